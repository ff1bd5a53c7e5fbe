"""What is missing in Label Studio: by the task index, while the server agrees with it."""

from pathlib import Path

import pytest
from support.fake_studio import FakeStudio, fake_stack

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.tasks import Image, Task
from annolooop.loop.push.plan import agrees, expected_index, find_missing, list_tasks
from annolooop.stack import Stack
from annolooop.storage.tasks import TaskIndex, task_series


def image(number: int) -> Image:
    return Image(f"images/{number}.jpg", f"{number:064}")


def task(number: int, **changed: object) -> Task:
    made = {"key": image(number).key, "sha256": image(number).sha256}
    return Task(number, **{**made, "shows": image(number).sha256, **changed})  # type: ignore[arg-type]


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture
def project(studio: FakeStudio) -> ProjectCounts:
    return studio.add_project("cats")


@pytest.fixture
def stack(tmp_path: Path, studio: FakeStudio, project: ProjectCounts) -> Stack:
    """Two tasks, both predicted by v1; server and index know them."""
    made = fake_stack(tmp_path, studio)
    studio.listed, studio.predicted = [task(1), task(2)], {"v1": [1, 2]}
    made.task_index.note(project.identity, studio.listed, studio.predicted)
    return made


def test_index_agrees_with_a_server_that_counts_the_same(
    stack: Stack, project: ProjectCounts
) -> None:
    assert agrees(stack, project)


def test_index_of_another_project_does_not_agree(stack: Stack, studio: FakeStudio) -> None:
    assert not agrees(stack, studio.add_project("cats"))


@pytest.mark.parametrize(
    ("listed", "predicted"),
    [
        ([task(1)], {"v1": [1, 2]}),
        ([task(1), task(3)], {"v1": [1, 2]}),
        ([task(1), task(2)], {"v1": [1]}),
        ([task(1), task(2)], {"v1": [1, 2], "v2": [1]}),
    ],
    ids=["a task less", "another task", "a prediction less", "another version"],
)
def test_index_does_not_agree_where_a_counter_differs(
    stack: Stack,
    studio: FakeStudio,
    project: ProjectCounts,
    listed: list[Task],
    predicted: dict[str, list[int]],
) -> None:
    studio.listed, studio.predicted = listed, predicted
    assert not agrees(stack, project)


def test_tasks_that_people_uploaded_are_not_expected_in_the_index(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    studio.uploads = [(3, "/upload/a.jpg")]
    assert agrees(stack, project)


def test_listing_corrects_the_index(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    studio.listed, studio.predicted = [task(1), task(3)], {"v2": [3]}
    list_tasks(stack, project, stack.task_index)
    assert [known.id for known in stack.task_index.tasks(image(n).key for n in range(4))] == [1, 3]
    assert stack.task_index.counts() == {"v2": 1}


def test_predictions_are_listed_only_for_versions_that_differ(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    studio.predicted = {"v1": [1, 2], "v2": [1]}
    list_tasks(stack, project, stack.task_index)
    assert ("list predictions", "v2") in studio.wrote
    assert ("list predictions", "v1") not in studio.wrote


def test_in_doubt_predictions_of_all_versions_are_listed(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    list_tasks(stack, project, stack.task_index, doubt=True)
    assert ("list predictions", "v1") in studio.wrote


def test_preview_corrects_a_copy_that_is_not_stored(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    studio.listed = [task(1)]
    assert len(expected_index(stack, project)) == 1
    assert len(stack.task_index) == 2


def test_preview_takes_the_index_itself_where_the_server_agrees(
    stack: Stack, project: ProjectCounts
) -> None:
    assert expected_index(stack, project) is stack.task_index
    assert expected_index(stack, project, doubt=True) is not stack.task_index


def index_of(
    stack: Stack, project: ProjectCounts, *tasks: Task, **predicted: list[int]
) -> TaskIndex:
    made = TaskIndex(stack.store, "others", stored=False)
    made.note(project.identity, tasks, predicted)
    return made


def test_image_without_a_task_is_new(stack: Stack) -> None:
    plan = find_missing(stack.task_index, [image(1), image(9)], "v1", False)
    assert (plan.new, plan.unpredicted) == ([image(9)], [])
    assert plan.predictions == 1


def test_nothing_is_missing_where_all_is_there(stack: Stack) -> None:
    assert not find_missing(stack.task_index, [image(1), image(2)], "v1", False)


def test_predictions_of_another_version_stay_unless_they_are_refreshed(stack: Stack) -> None:
    plan = find_missing(stack.task_index, [image(1), image(2)], "v2", False)
    assert (plan.unpredicted, plan.stale) == ([], 2)
    plan = find_missing(stack.task_index, [image(1), image(2)], "v2", True)
    assert (plan.unpredicted, plan.stale) == ([image(1), image(2)], 0)


def test_task_without_any_prediction_gets_one(stack: Stack, project: ProjectCounts) -> None:
    index = index_of(stack, project, task(1), task(2), v1=[1])
    assert find_missing(index, [image(1), image(2)], "v2", False).unpredicted == [image(2)]


def test_other_picture_under_the_key_of_a_task_is_a_change(
    stack: Stack, project: ProjectCounts
) -> None:
    index = index_of(stack, project, task(1, sha256="f" * 64), v1=[1])
    plan = find_missing(index, [image(1)], "v1", False)
    assert {changed: of.id for changed, of in plan.changed.items()} == {image(1): 1}
    assert plan.unpredicted == []


def test_replaced_task_is_outdated_until_it_knows_the_picture_of_now(
    stack: Stack, project: ProjectCounts
) -> None:
    index = index_of(stack, project, task(1, replaced=True, shows="f" * 64))
    plan = find_missing(index, [image(1)], "v1", False)
    assert {old.id: sha256 for old, sha256 in plan.outdated.items()} == {1: image(1).sha256}
    assert plan.new == [image(1)]
    known = index_of(stack, project, task(1, replaced=True))
    assert not find_missing(known, [image(1)], "v1", False).outdated


def test_blind_images_get_a_task_and_no_prediction(stack: Stack, project: ProjectCounts) -> None:
    index = index_of(stack, project, task(1))
    plan = find_missing(index, [image(1), image(9)], "v1", False, lambda sha256: True)
    assert (plan.new, plan.unpredicted, plan.predictions) == ([image(9)], [], 0)


def test_what_another_machine_noted_is_not_written_once_more(
    stack: Stack, studio: FakeStudio, project: ProjectCounts
) -> None:
    name = stack.config.dataset.name
    other = TaskIndex(stack.store, name)
    other.refresh()
    studio.listed = [task(1), task(2), task(3)]
    other.note(project.identity, [task(3)])
    records = task_series(stack.store, name).numbers()
    list_tasks(stack, project, stack.task_index)
    assert task_series(stack.store, name).numbers() == records
