"""People's work: how long it took so far, and how long the target may still take."""

from collections.abc import Iterable
from math import ceil
from statistics import median

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import is_answer
from annolooop.loop.labels.current import Labels
from annolooop.loop.quality.curve import CurveReport
from annolooop.loop.versions.headline import HOLDOUT_TELLS
from annolooop.model.judging.target import FARTHEST, Range, images_to_be_sure, labels_to_target
from annolooop.page.content import Effort, Need, Verdict

PAUSE = 10  # times the median: what takes longer counts as that, for people went away meanwhile


def work_times(annotations: Iterable[Annotation]) -> list[float]:
    """Seconds of each answer and skip of people whose time is known, pauses cut off."""
    known = [a.lead_time for a in annotations if a.lead_time is not None and not a.accepted]
    longest = PAUSE * median(known) if known else 0.0
    return [min(seconds, longest) for seconds in known]


def effort(
    labels: Labels, verdict: Verdict, measured: CurveReport | None, images: int, waiting: int
) -> Effort:
    """Work so far, and to come.

    An answer to come takes as long as those so far did on average, pauses cut off: the median would
    be less than what all of them take together.

    Args:
        labels: of the dataset.
        verdict: whether the target is reached.
        measured: the learning curve, if there is one.
        images: of the dataset.
        waiting: images of the last round that nobody has answered about.
    """
    annotations, choice = labels.snapshot.annotations, labels.rules.choice
    times = work_times(annotations)
    each = sum(times) / len(times) if times else None
    answers = [a for a in annotations if is_answer(a, choice)]
    return Effort(
        labels=len(labels.examples),
        images=images,
        answers=len(answers),
        timed=len(times),
        hours=round(sum(times) / 3600, 3),
        seconds_each=round(each, 2) if each is not None else None,
        last_answer=max((a.updated_at for a in answers), default=""),
        waiting=waiting,
        need=_need(labels, verdict, measured, each),
    )


def _need(
    labels: Labels, verdict: Verdict, measured: CurveReport | None, each: float | None
) -> Need | None:
    """What is to be labelled until the target is reached, or until more is known."""
    held = labels.rules.holdout
    if verdict.state == "early":
        if not held or not labels.examples:
            return None
        there = sum(e.split == "holdout" for e in labels.examples)
        more = ceil(max(0, HOLDOUT_TELLS - there) / held)
        return _in_hours("to tell", Range(more, more, more), each) if more else None
    target, accuracy = verdict.target, verdict.accuracy
    if target is None or verdict.state == "reached" or accuracy.value is None:
        return None
    if verdict.state == "probably":
        enough = images_to_be_sure(target, accuracy.value)
        sure = ceil(max(0, enough - verdict.n) / held) if enough and held else None
        return _in_hours("to be sure", Range(sure, sure, sure), each)
    if measured is None or measured.points[-1].accuracy.value is None:
        return None
    at_curve, there = measured.points[-1].accuracy.value, measured.points[-1].labels
    found = labels_to_target(target, there, accuracy, at_curve, measured.gain)
    return _in_hours("target", found, each, (FARTHEST - 1) * there)


def _in_hours(until: str, labels: Range, each: float | None, beyond: int | None = None) -> Need:
    def hours(n: int | None) -> float | None:
        return None if n is None or each is None else round(n * each / 3600, 3)

    return Need(
        until,
        labels.value,
        labels.low,
        labels.high,
        hours(labels.value),
        hours(labels.low),
        hours(labels.high),
        beyond,
        hours(beyond),
    )
