"""Which pulls would lose answers."""

from dataclasses import replace

import pytest
from support.records import annotation

from annolooop.domain.annotations import ProjectCounts, Snapshot
from annolooop.domain.loss import find_loss, is_other_project

PROJECT = ProjectCounts(1, "then", "cats", 0, 0, 0, 0, "")


def snapshot(count: int, project: str = PROJECT.identity) -> Snapshot:
    answers = tuple(annotation(n) for n in range(1, count + 1))
    return Snapshot(1, "", project, annotations=answers)


@pytest.mark.parametrize(
    ("before", "after"), [(20, 20), (20, 16), (100, 90), (4, 0), (20, 30), (0, 0)]
)
def test_few_deleted_answers_are_no_loss(before: int, after: int) -> None:
    assert not find_loss(snapshot(before), snapshot(after))


@pytest.mark.parametrize(("before", "after"), [(20, 15), (100, 89), (5, 0), (49, 44)])
def test_more_than_a_tenth_is_a_loss_from_five_on(before: int, after: int) -> None:
    assert find_loss(snapshot(before), snapshot(after)).startswith(f"{before - after} of {before}")


def test_one_answer_that_is_older_than_before_is_a_loss() -> None:
    last = snapshot(20)
    older = replace(last.annotations[3], updated_at="0")
    now = replace(last, annotations=(*last.annotations[:3], older, *last.annotations[4:]))
    assert find_loss(last, now).startswith("1 of 20 answers are older")


def test_answers_that_people_changed_since_are_no_loss() -> None:
    last = snapshot(20)
    newer = tuple(replace(a, updated_at="9999") for a in last.annotations)
    assert not find_loss(last, replace(last, annotations=newer))


def test_accepted_predictions_that_were_taken_back_are_no_loss() -> None:
    last = snapshot(20)
    kept = last.annotations[:4]
    accepted = tuple(replace(a, accepted="v1") for a in last.annotations[4:])
    assert not find_loss(
        replace(last, annotations=kept + accepted), replace(last, annotations=kept)
    )


def test_another_project_counts_where_there_are_answers() -> None:
    assert is_other_project(snapshot(1, "1 before"), PROJECT)
    assert not is_other_project(snapshot(1), PROJECT)
    assert not is_other_project(snapshot(0, "1 before"), PROJECT)
