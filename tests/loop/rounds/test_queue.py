"""The queue: which tasks people are asked next, and what is left of it."""

from pathlib import Path

import pytest
from support.fake_studio import FakeStudio, fake_stack

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.rounds import Round
from annolooop.loop.rounds.queue import Queue, find_queue, open_round, place_between, rounds_of
from annolooop.stack import Stack


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture
def project(studio: FakeStudio) -> ProjectCounts:
    return studio.add_project("cats")


@pytest.fixture
def stack(tmp_path: Path, studio: FakeStudio) -> Stack:
    return fake_stack(tmp_path, studio)


def asked(project: ProjectCounts, *tasks: int, twice: tuple[int, ...] = ()) -> Round:
    return Round(0, "now", project.identity, "v1", "margin", "why", tasks, twice=twice)


def test_round_is_noted_with_its_number(stack: Stack, project: ProjectCounts) -> None:
    assert open_round(stack, asked(project, 3, 1), []).number == 1
    second = open_round(stack, asked(project, 2), [])
    assert second.number == 2
    assert list(rounds_of(stack, "cats").each())[1] == second


def test_tasks_are_marked_with_the_round_and_their_place(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    open_round(stack, asked(project, 3, 1), [])
    assert ("mark", {3: "r0001-00001", 1: "r0001-00002"}) in studio.wrote


def test_two_people_are_asked_about_some_and_one_about_those_of_earlier_rounds(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    earlier = asked(project, 1, 2, 5, twice=(1, 2, 5))
    open_round(stack, asked(project, 1, 2, 3, twice=(2, 3)), [earlier])
    overlaps = [change[1:] for change in studio.wrote if change[0] == "overlap"]
    assert overlaps == [(2, 2), (3, 2), (1, 1)]


def test_without_a_round_people_annotate_the_whole_project(
    stack: Stack, project: ProjectCounts
) -> None:
    assert find_queue(stack, "cats", project) == Queue("stream of 1")


def test_open_round_is_the_queue(stack: Stack, studio: FakeStudio, project: ProjectCounts) -> None:
    open_round(stack, asked(project, 3, 1), [])
    studio.counts = [2]
    assert find_queue(stack, "cats", project) == Queue(
        "view 7 of 1", 1, asked=2, left=2, version="v1"
    )


def test_tasks_that_wait_for_a_second_person_keep_the_queue_open(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    open_round(stack, asked(project, 3, 1, twice=(1,)), [])
    studio.counts = [0, 1]
    assert find_queue(stack, "cats", project) == Queue(
        "view 7 of 1", 1, asked=2, waiting=1, version="v1"
    )


def test_answered_round_leads_to_the_whole_project(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    open_round(stack, asked(project, 3), [])
    studio.counts = [0]
    assert find_queue(stack, "cats", project) == Queue("stream of 1", 1, asked=1, version="v1")


def test_tab_that_people_deleted_leads_to_the_whole_project(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    open_round(stack, asked(project, 3), [])
    studio.view = None
    assert find_queue(stack, "cats", project) == Queue("stream of 1")


def test_round_of_another_project_is_no_queue(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    open_round(stack, asked(project, 3), [])
    assert find_queue(stack, "cats", studio.add_project("fresh")) == Queue("stream of 2")


def test_query_that_was_interrupted_leaves_the_earlier_queue(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    open_round(stack, asked(project, 3), [])
    rounds_of(stack, "cats").append(asked(project, 4))  # and no tab
    studio.counts = [1]
    found = find_queue(stack, "cats", project)
    assert (found.round, found.interrupted) == (1, 2)


@pytest.mark.parametrize(
    ("many", "few", "together"),
    [
        ([1, 2, 3, 4], [9], [1, 2, 9, 3, 4]),
        ([1, 2], [8, 9], [1, 8, 2, 9]),
        ([], [8, 9], [8, 9]),
        ([1, 2], [], [1, 2]),
    ],
)
def test_few_are_spread_evenly_among_many(
    many: list[int], few: list[int], together: list[int]
) -> None:
    placed = place_between(many, few)
    assert sorted(placed) == sorted(together)
    assert [task for task in placed if task in many] == many
    assert [task for task in placed if task in few] == few
    if len(few) == 1:
        assert placed == together
