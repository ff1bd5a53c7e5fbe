"""The figures at the top, as people who pay read them."""

from dataclasses import replace

import pytest

from annolooop.domain.versions import Estimate, Evaluation
from annolooop.page.content import EARLY, Effort, Need, Verdict
from annolooop.page.words import confusions, facts

NOW = "2026-03-05T10:00:00+00:00"
DONE = Effort(400, 1000, 420, 420, 2.0, 17.1, "2026-03-05T08:00:00Z", 12)
NEAR = Verdict("not yet", "", "", 0.9, Estimate(0.8, 0.75, 0.85), 100, "holdout")
NEED = Need("target", 300, 100, 900, 1.4, 0.5, 4.3, 1200, 5.7)


def shown(effort: Effort, verdict: Verdict = NEAR) -> dict[str, str]:
    """Name -> value and detail, with plain spaces."""
    found = {fact.name: f"{fact.value}; {fact.detail}" for fact in facts(verdict, effort, NOW)}
    return {name: " ".join(text.split()) for name, text in found.items()}


def test_labels_and_hours_so_far() -> None:
    found = shown(DONE)
    assert found["Labels so far"] == "400; of 1 000 images"
    assert found["Work so far"] == "2.0 h; 17 s for an answer, on average"
    unknown = shown(replace(DONE, hours=0.0, seconds_each=None))
    assert unknown["Work so far"] == "not known; no times known"


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (NEED, "about 84 min; 30 min to 4.3 h; 300 more labels"),
        (
            replace(NEED, labels_high=None, hours_high=None),
            "about 84 min; 30 min at least, no upper end can be foreseen; 300 more labels",
        ),
        (
            replace(NEED, labels_low=0, hours_low=0.0),
            "about 84 min; perhaps none to 4.3 h; 300 more labels",
        ),
        (
            replace(NEED, labels=700, hours=3.3),
            "about 3.3 h; 30 min to 4.3 h; 700 more labels, and only 600 images are left",
        ),
        (
            Need("target", None, 100, None, None, 0.5, None, 1200, 5.7),
            "probably over 5.7 h; 1 200 more labels are not likely to be enough; at best "
            "about 30 min",
        ),
        (
            Need("target", None, None, None, None, None, None, 1200),
            "over 1 200 labels; 1 200 more labels are not enough, by the learning curve",
        ),
        (replace(NEED, hours=None), "about 300 labels; 30 min to 4.3 h; 300 more labels"),
    ],
)
def test_work_to_the_target_follows_the_learning_curve(need: Need, words: str) -> None:
    assert shown(replace(DONE, need=need))["Work to the target"] == words


def test_where_there_is_no_forecast_no_number_is_made_up() -> None:
    assert shown(DONE)["Work to the target"] == "not known; too few labels for a forecast"
    assert shown(DONE, EARLY)["Work to the target"] == "–; no target is set"
    reached = replace(NEAR, state="reached")
    assert shown(DONE, reached)["Work to the target"] == "none; the target is reached"


def test_work_until_more_is_known_has_another_name() -> None:
    tell = Need("to tell", 150, 150, 150, 0.7, 0.7, 0.7)
    assert shown(replace(DONE, need=tell))["Work to a verdict"] == (
        "about 42 min; about 150 more labels"
    )
    last = replace(DONE, labels=1000, need=tell)
    assert shown(last)["Work to a verdict"].endswith("and no image is left")
    sure = replace(tell, until="to be sure")
    assert shown(replace(DONE, need=sure))["Work to be sure"].endswith("if it stays as good")
    close = Need("to be sure", None, None, None)
    assert shown(replace(DONE, need=close))["Work to be sure"].startswith("not known")


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ("2026-03-05T01:00:00Z", "last answer today"),
        ("2026-03-04T23:00:00+00:00", "last answer yesterday"),
        ("2026-02-20T23:00:00Z", "last answer 13 days ago"),
        ("2026-03-06T09:00:00Z", "last answer today"),  # by a clock that is fast
        ("7", "last answer on 7"),
    ],
)
def test_how_long_nobody_has_answered_is_seen(last: str, words: str) -> None:
    assert shown(replace(DONE, last_answer=last))["Waiting for people"] == f"12 images; {words}"


def test_nothing_waits_where_all_of_a_round_is_answered() -> None:
    assert shown(replace(DONE, waiting=0))["Waiting for people"].startswith("nothing;")
    assert "Waiting for people" not in shown(replace(DONE, last_answer=""))


def test_confusions_come_with_the_most_images_first() -> None:
    figures = Evaluation(12, confusion=((3, 1, 0), (4, 2, 0), (1, 0, 1)))
    assert confusions(figures, ("a", "b", "c")) == [
        ("b", "a", 4, 6),
        ("c", "a", 1, 2),
        ("a", "b", 1, 4),
    ]
    assert confusions(None, ()) == []
