"""Labelled images follow from annotations, one for each content."""

from support.records import annotation, said

from annolooop.domain.annotations import Annotation
from annolooop.domain.examples import Example, build_examples, fingerprint
from annolooop.domain.split import split_of


def examples(given: list[Annotation], holdout: float = 0.2) -> list[Example]:
    return build_examples(given, "single", "majority", holdout)[0]


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


def test_fingerprint_changes_with_a_corrected_label() -> None:
    before = fingerprint(examples([annotation(1), annotation(2)]))
    assert before == fingerprint(examples([annotation(2), annotation(1)]))
    assert before != fingerprint(examples([annotation(1), annotation(2, "dog")]))


def test_images_that_people_disagree_about_are_named_under_unanimous() -> None:
    given = [said("a", 1, 1), said("b", 2, 2), annotation(9)]
    found, disputed = build_examples(given, "single", "unanimous", 0.2)
    assert [example.key for example in found] == ["images/9.jpg"]
    assert disputed == {"f" * 64: "people disagree: a, b"}


def test_one_content_under_two_keys_is_one_example() -> None:
    given = [said("a", 1, 1), said("b", 2, 2, task=2, key="images/2.jpg")]
    (example,) = examples(given)
    assert example.labels == ("b",)
    assert example.split == split_of("f" * 64, 0.2)
