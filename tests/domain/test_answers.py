"""Whose answer counts."""

import pytest
from support.records import said

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import TaskCounts, count_tasks, resolve

SINGLE = [
    # the rule, what was said, and what counts
    ("majority", [said("a", 1, 1), said("a", 2, 2), said("b", 3, 3)], "a"),
    ("majority", [said("a", 1, 1), said("b", 2, 2)], "b"),  # a tie: the latest
    ("majority", [said("b", 2, 3), said("a", 1, 2)], "b"),  # whatever the order
    ("majority", [said("a", 1, 1), said("a", 1, 2), said("b", 2, 3), said("b", 3, 4)], "b"),
    ("majority", [said("a", 1, 1), said("b", 1, 2)], "b"),  # who changes their mind has one vote
    ("majority", [said("a", None, 1), said("a", None, 2), said("b", None, 3)], "a"),
    ("majority", [said("a", 1, 1), said("", 2, 2, skipped=True)], "a"),
    ("majority", [said("a", 1, 1), said("", 2, 2)], "a"),  # an empty answer says nothing
    ("majority", [said("", 1, 1), said("", 2, 2, skipped=True)], None),
    ("majority", [], None),
    ("latest", [said("a", 1, 1), said("a", 2, 2), said("b", 3, 3)], "b"),
    ("unanimous", [said("a", 1, 1), said("a", 2, 2)], "a"),
    ("unanimous", [said("b", 1, 1), said("a", 1, 2), said("a", 2, 3)], "a"),
    ("unanimous", [said("a", 1, 1, ground_truth=True), said("b", 2, 2)], "a"),
    ("majority", [said("a", 1, 1, ground_truth=True), said("b", 2, 2), said("b", 3, 3)], "a"),
    ("latest", [said("a", 1, 1, ground_truth=True), said("b", 2, 2)], "a"),
]


@pytest.mark.parametrize(("agreement", "given", "label"), SINGLE)
def test_label_in_force_with_single_choice(
    agreement: str, given: list[Annotation], label: str | None
) -> None:
    assert resolve(given, "single", agreement) == (None if label is None else tuple(label))


MULTIPLE = [
    ("majority", [said("ab", 1, 1), said("ac", 2, 2), said("a", 3, 3)], "a"),
    ("majority", [said("ab", 1, 1), said("a", 2, 2)], "a"),  # a tie over b: the latest lacks it
    ("majority", [said("a", 1, 1), said("ab", 2, 2)], "ab"),
    ("majority", [said("a", 1, 1), said("", 2, 2), said("", 3, 3)], ""),  # none of the labels
    ("majority", [said("a", 1, 1), said("", 2, 2, skipped=True)], "a"),
    ("unanimous", [said("ab", 1, 1), said("ab", 2, 2)], "ab"),
    ("latest", [said("ab", 1, 1), said("", 2, 2)], ""),
    ("majority", [said("", 1, 1, skipped=True)], None),
]


@pytest.mark.parametrize(("agreement", "given", "labels"), MULTIPLE)
def test_labels_in_force_with_multiple_choice(
    agreement: str, given: list[Annotation], labels: str | None
) -> None:
    assert resolve(given, "multiple", agreement) == (None if labels is None else tuple(labels))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([said("a", 1, 1)], TaskCounts(labeled=1)),
        ([said("", 1, 1, skipped=True), said("a", 1, 2)], TaskCounts(labeled=1)),
        ([said("", 1, 1), said("a", 2, 2)], TaskCounts(labeled=1)),
        ([said("a", 1, 1, accepted="v1")], TaskCounts(labeled=1)),
        ([said("", 1, 1, skipped=True)], TaskCounts(skipped=1)),
        ([said("", 1, 1)], TaskCounts(empty=1)),
        ([said("", 1, 1, skipped=True), said("", 1, 2)], TaskCounts(empty=1)),
        ([said("", 1, 1, unreadable="why")], TaskCounts(unreadable=1)),
        ([said("", 1, 1, unreadable="why"), said("a", 2, 2)], TaskCounts(labeled=1)),
    ],
)
def test_task_is_labelled_only_where_somebody_said_something(
    answers: list[Annotation], expected: TaskCounts
) -> None:
    assert count_tasks(answers, "single") == expected


def test_nothing_chosen_is_an_answer_with_multiple_choice() -> None:
    assert count_tasks([said("", 1, 1)], "multiple") == TaskCounts(labeled=1)
    assert count_tasks([said("", 1, 1, unreadable="why")], "multiple") == TaskCounts(unreadable=1)
