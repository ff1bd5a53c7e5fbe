"""Why there is nothing to learn from, in words that are so."""

import pytest
from support.records import annotation

from annolooop.domain.annotations import Annotation, Snapshot
from annolooop.domain.examples import Rules, build_examples
from annolooop.loop.labels.why_none import nothing_labelled, unreadable_answers

RULES = Rules(("cat", "dog"), "single", "unanimous", 0.2, other=("unsure",))


def message(given: list[Annotation], live: bool = True) -> tuple[str, str]:
    error = nothing_labelled("cats", given, "single", build_examples(given, RULES), live)
    return error.message, error.hint


def test_nothing_annotated() -> None:
    text, hint = message([])
    assert text == "nothing of cats is annotated yet"
    assert hint == "Annotate: annoloop dataset launch cats"


def test_no_snapshot_is_not_taken_for_nothing_annotated() -> None:
    text, hint = message([], live=False)
    assert "the store has no annotations of cats" in text
    assert "annoloop sync" in hint


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (annotation(1, None, skipped=True), "1 skipped"),
        (annotation(1, None), "1 with an answer that says nothing"),
        (annotation(1, None, unreadable="why"), "1 with an answer that cannot be read"),
        (annotation(1, "unsure"), "1 with one of dataset.other_answers"),
        (annotation(1, "cow"), "1 with a label that is not in dataset.labels"),
    ],
)
def test_answers_that_are_no_labels_are_counted(one: Annotation, reason: str) -> None:
    text, hint = message([one])
    assert text == f"no image of cats has a label to learn from: {reason}"
    assert "annoloop stats" in hint


def test_images_that_are_not_in_the_store_are_said_to_be_so() -> None:
    text, hint = message([annotation(1, "cat", sha256="", key="")])
    assert "1 annotated task, and none is about an image of the store" in text
    assert "annoloop sync" in hint


def test_unreadable_answers_are_named_by_image_and_task() -> None:
    given = [annotation(7, None, unreadable="its choices are 5, not a list"), annotation(8)]
    assert unreadable_answers(Snapshot(annotations=tuple(given))) == (
        {
            "file": "images/7.jpg, task 7",
            "reason": "an answer is left out: its choices are 5, not a list",
        },
    )


def test_answers_that_are_kept_since_label_studio_fails_are_named() -> None:
    (row,) = unreadable_answers(Snapshot(annotations=(annotation(7),), unsent=(7,)))
    assert row["file"] == "images/7.jpg, task 7"
    assert row["reason"] == "what it had last time counts: Label Studio fails to send it"
