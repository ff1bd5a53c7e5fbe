"""Labelled images follow from annotations, one for each content."""

from dataclasses import replace

import pytest
from support.records import annotation, said

from annolooop.domain.annotations import Annotation
from annolooop.domain.examples import (
    Example,
    Labelled,
    Rules,
    build_examples,
    can_teach,
    find_accepted,
    fingerprint,
)
from annolooop.domain.split import split_of
from annolooop.model.heads.fit import learnable
from annolooop.model.heads.targets import build_targets


def examples(given: list[Annotation], holdout: float = 0.2) -> list[Example]:
    return build_examples(given, Rules((), "single", "majority", holdout)).examples


def test_skipped_and_foreign_tasks_are_no_examples() -> None:
    given = [annotation(1), annotation(2, None, skipped=True), annotation(3, sha256="", key="")]
    assert [example.key for example in examples(given)] == ["images/1.jpg"]


def test_latest_label_of_a_content_wins() -> None:
    first = annotation(1, "cat", updated_at="2026-01-01")
    second = annotation(2, "dog", updated_at="2026-01-02", sha256=first.sha256)
    for order in ([first, second], [second, first]):
        (example,) = examples(order)
        assert example.labels == ("dog",)


def test_holdout_depends_on_the_content_only() -> None:
    many = [annotation(n) for n in range(1, 30)]
    sides = {e.sha256: e.split for e in examples(many, 0.3)}
    few = {e.sha256: e.split for e in examples(many[:5], 0.3)}
    assert all(sides[sha256] == split for sha256, split in few.items())


@pytest.mark.parametrize(
    ("choice", "train", "enough"),
    [
        ("single", [("cat",), ("dog",)], True),
        ("single", [("cat",), ("cat",)], False),
        ("single", [], False),
        ("multiple", [("cat",), ()], True),
        ("multiple", [("cat",), ("cat", "dog")], True),
        ("multiple", [("cat", "dog"), ("dog", "cat")], False),
        ("multiple", [(), ()], False),
        ("multiple", [], False),
    ],
)
def test_labels_of_several_kinds_outside_of_the_holdout_can_teach(
    choice: str, train: list[tuple[str, ...]], enough: bool
) -> None:
    given = [Example("k", str(n), labels, "train") for n, labels in enumerate(train)]
    held = [Example("k", "h", ("bird",), "holdout"), Example("k", "i", ("owl",), "holdout")]
    assert can_teach([*given, *held], choice) == enough
    targets = build_targets(given, ("bird", "cat", "dog", "owl"))
    assert learnable(targets, choice == "multiple") == enough


def test_fingerprint_changes_with_a_corrected_label() -> None:
    before = fingerprint(examples([annotation(1), annotation(2)]))
    assert before == fingerprint(examples([annotation(2), annotation(1)]))
    assert before != fingerprint(examples([annotation(1), annotation(2, "dog")]))


def test_images_that_people_disagree_about_are_named_under_unanimous() -> None:
    given = [said("a", 1, 1), said("b", 2, 2), annotation(9)]
    found = build_examples(given, Rules((), "single", "unanimous", 0.2))
    assert [example.key for example in found.examples] == ["images/9.jpg"]
    assert found.disputed == {"f" * 64: "people disagree: a, b"}


def test_one_content_under_two_keys_is_one_example() -> None:
    given = [said("a", 1, 1), said("b", 2, 2, task=2, key="images/2.jpg")]
    (example,) = examples(given)
    assert example.labels == ("b",)
    assert example.split == split_of("f" * 64, 0.2)


CATS = Rules(("cat", "dog"), "single", "majority", 0.2, other=("unsure",))


def test_label_that_the_dataset_does_not_have_is_named_and_is_no_example() -> None:
    strange = annotation(2, "cow")
    found = build_examples([annotation(1), strange], CATS)
    assert [example.labels for example in found.examples] == [("cat",)]
    assert found.unknown == {strange.sha256: "its label 'cow' is not in dataset.labels"}
    assert found.left_out == found.unknown


def test_one_strange_label_of_several_leaves_the_image_out() -> None:
    given = [annotation(1, labels=("cat", "cow")), annotation(2, labels=("cat", "dog"))]
    found = build_examples(given, replace(CATS, choice="multiple"))
    assert [example.labels for example in found.examples] == [("cat", "dog")]
    assert list(found.unknown) == [given[0].sha256]


def test_other_answer_is_counted_apart() -> None:
    unsure = annotation(2, "unsure")
    found = build_examples([annotation(1), unsure], CATS)
    assert [example.labels for example in found.examples] == [("cat",)]
    assert found.other == {unsure.sha256: ("unsure",)}
    assert found.left_out == {}


def test_other_answer_has_a_vote() -> None:
    given = [said("u", 1, 1), said("u", 2, 2), said("a", 3, 3)]
    found = build_examples(given, Rules(("a", "b"), "single", "majority", 0.2, other=("u",)))
    assert (found.examples, list(found.other.values())) == ([], [("u",)])


def test_accepted_prediction_of_a_label_that_is_gone_is_no_example() -> None:
    given = [annotation(1, "cow", accepted="v1"), annotation(2, "cat", accepted="v1")]
    assert [example.labels for example in find_accepted(given, CATS)] == [("cat",)]


def test_answer_that_cannot_be_read_is_no_example() -> None:
    given = [annotation(1, None, unreadable="its choices are 5, not a list")]
    for choice in ("single", "multiple"):
        assert build_examples(given, replace(CATS, choice=choice)) == Labelled()
