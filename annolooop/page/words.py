"""What the page says in words: the figures at the top, and what gets confused."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from annolooop.domain.versions import Evaluation
from annolooop.page.content import Effort, Need, Verdict
from annolooop.page.numbers import hours, number, seconds

MOST_CONFUSED = 8


class Fact(NamedTuple):
    """One of the figures at the top."""

    name: str
    value: str
    detail: str = ""


def facts(verdict: Verdict, effort: Effort, now: str) -> list[Fact]:
    """The figures at the top: how much is done, how much is to do, who is waited for.

    Args:
        verdict: of the model.
        effort: of people.
        now: when the report is made, ISO 8601.
    """
    each = effort.seconds_each
    time = f"{seconds(each)} for an answer, on average" if each is not None else "no times known"
    images = f"of {number(effort.images)} images"
    done = Fact("Work so far", hours(effort.hours) if each is not None else "not known", time)
    found = [Fact("Labels so far", number(effort.labels), images), done, _to_do(verdict, effort)]
    if effort.last_answer:
        waiting = f"{number(effort.waiting)} images" if effort.waiting else "nothing"
        found.append(Fact("Waiting for people", waiting, f"last answer {_ago(effort, now)}"))
    return found


def _to_do(verdict: Verdict, effort: Effort) -> Fact:
    need, title = effort.need, "Work to the target"
    if need is None:
        if verdict.state == "reached":
            return Fact(title, "none", "the target is reached")
        if verdict.target is None:
            return Fact(title, "–", "no target is set")
        return Fact(title, "not known", "too few labels for a forecast")
    if need.until == "to tell":
        labels = f"about {number(need.labels or 0)} more labels{_left(need, effort)}"
        return Fact("Work to a verdict", _amount(need.hours, need.labels), labels)
    if need.until == "to be sure":
        if need.labels is None:
            return Fact("Work to be sure", "not known", "it is too close to the target")
        labels = (
            f"about {number(need.labels)} more labels, if it stays as good{_left(need, effort)}"
        )
        return Fact("Work to be sure", _amount(need.hours, need.labels), labels)
    return Fact(title, *_by_curve(need, effort))


def _by_curve(need: Need, effort: Effort) -> tuple[str, str]:
    """By the learning curve: how long, and from when to when."""
    if need.labels is None:
        beyond, many = _amount(need.hours_beyond, need.beyond, ""), number(need.beyond or 0)
        if need.labels_low is None:
            return f"over {beyond}", f"{many} more labels are not enough, by the learning curve"
        best = _amount(need.hours_low, need.labels_low)
        return (
            f"probably over {beyond}",
            f"{many} more labels are not likely to be enough; at best {best}",
        )
    low = _amount(need.hours_low, need.labels_low, "") if need.labels_low else "perhaps none"
    if need.labels_high is None:
        between = f"{low}{' at least' if need.labels_low else ''}, no upper end can be foreseen"
    else:
        between = f"{low} to {_amount(need.hours_high, need.labels_high, '')}"
    words = f"{between}; {number(need.labels)} more labels{_left(need, effort)}"
    return _amount(need.hours, need.labels), words


def _left(need: Need, effort: Effort) -> str:
    """That there are not so many images, where that is so."""
    left = effort.images - effort.labels
    if (need.labels or 0) <= left:
        return ""
    return f", and only {number(left)} images are left" if left > 0 else ", and no image is left"


def _amount(time: float | None, labels: int | None, about: str = "about ") -> str:
    """Hours, or labels where no time is known."""
    if time is None:
        return f"{about}{number(labels or 0)} labels"
    return f"{about}{hours(time)}" if time else hours(time)


def _ago(effort: Effort, now: str) -> str:
    try:
        then, here = (
            datetime.fromisoformat(t.replace("Z", "+00:00")) for t in (effort.last_answer, now)
        )
        days = (here.date() - then.date()).days
    except ValueError:
        return f"on {effort.last_answer[:10]}"
    return {0: "today", 1: "yesterday"}.get(max(0, days), f"{days} days ago")


def confusions(
    evaluation: Evaluation | None, labels: Sequence[str]
) -> list[tuple[str, str, int, int]]:
    """Label, what it is taken for, of how many images, of so many; the most images first."""
    rows = evaluation.confusion if evaluation else ()

    def wrong() -> Iterator[tuple[str, str, int, int]]:
        for i, row in enumerate(rows):
            for j, n in enumerate(row):
                if n and i != j:
                    yield labels[i], labels[j], n, sum(row)

    return sorted(wrong(), key=lambda one: (-one[2], one[3]))[:MOST_CONFUSED]
