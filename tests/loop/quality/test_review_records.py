"""What became of labels that a review asked about."""

import pytest
from support.records import said

from annolooop.domain.annotations import Annotation, Snapshot
from annolooop.domain.examples import Rules, build_examples
from annolooop.loop.labels.current import Labels
from annolooop.loop.quality.review_records import Asked, Decision, Review, read_decisions

RULES = Rules(("a", "b"), "single", "majority", 0.2)
PICTURE = "f" * 64


def labels_of(*answers: Annotation, rules: Rules = RULES) -> Labels:
    snapshot = Snapshot(1, "now", "1 then", annotations=answers, people={1: "ann@example.org"})
    found = build_examples(answers, rules)
    return Labels("cats", None, snapshot, snapshot, False, "", rules, found, [])


def review_of(labels: str, said_at: str, suggested: str = "b") -> Review:
    asked = Asked(PICTURE, 1, tuple(labels), tuple(suggested), said_at)
    return Review("then", "me", "1 then", (asked,))


def decide(*answers: Annotation, reviews: tuple[Review, ...], rules: Rules = RULES) -> Decision:
    (one,) = read_decisions(reviews, labels_of(*answers, rules=rules), "page/{}".format)
    return one


ASKED = (review_of("a", "2026-01-01"),)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (said("a", 1, 1), "open"),  # as it was
        (said("a", 1, 2), "confirmed"),
        (said("b", 1, 2), "corrected"),
        (said("", 1, 2, skipped=True), "open"),
        (said("a", 1, 2, extra='[{"from_name": "review"}]'), "confirmed"),
    ],
)
def test_answer_that_was_given_again_is_confirmed_and_another_one_corrected(
    answer: Annotation, outcome: str
) -> None:
    assert decide(answer, reviews=ASKED).outcome == outcome


def test_who_says_otherwise_and_is_outvoted_confirms_nothing() -> None:
    answers = (said("a", 1, 1), said("a", 2, 2), said("b", 3, 3))
    assert decide(*answers, reviews=ASKED).outcome == "open"


def test_second_answer_of_another_person_corrects_too() -> None:
    decision = decide(said("a", 1, 1), said("b", 2, 2), reviews=ASKED)
    assert (decision.outcome, decision.before, decision.labels) == ("corrected", ("a",), ("b",))


def test_disputed_image_is_settled_once_people_agree() -> None:
    unanimous = Rules(("a", "b"), "single", "unanimous", 0.2)
    reviews = (review_of("", "2026-01-02"),)
    before = (said("a", 1, 1), said("b", 2, 2))
    assert decide(*before, reviews=reviews, rules=unanimous).outcome == "open"
    after = (said("a", 1, 1), said("a", 2, 3))
    assert decide(*after, reviews=reviews, rules=unanimous).outcome == "corrected"


def test_last_review_that_asked_about_an_image_counts() -> None:
    again = review_of("b", "2026-01-02", "a")
    decision = decide(said("b", 1, 2), reviews=(*ASKED, again))
    assert (decision.outcome, decision.suggested) == ("open", ("a",))


def test_decision_names_the_image_and_whose_answer_it_is() -> None:
    decision = decide(said("a", 1, 2), reviews=ASKED)
    assert (decision.key, decision.url) == ("images/1.jpg", "page/1")
    assert decision.annotator == "ann@example.org"


def test_image_whose_answers_were_deleted_is_still_open() -> None:
    decision = decide(reviews=ASKED)
    assert (decision.outcome, decision.labels, decision.annotator) == ("open", (), "")
