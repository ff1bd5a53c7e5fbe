"""The index of tasks: what is noted, all know; a listing corrects it."""

from pathlib import Path

import pytest

from annolooop.domain.tasks import Task
from annolooop.storage import tasks as module
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.tasks import TaskIndex, task_series

PROJECT = "1 then"
REPLACED = Task(3, "images/1.jpg", "old", True, "new", vanished=True)


def task(number: int) -> Task:
    return Task(number, f"images/{number}.jpg", f"{number:064}", shows=f"{number:064}")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


@pytest.fixture
def index(store: ArtifactStore) -> TaskIndex:
    """Three tasks, of which v1 has predicted two."""
    made = TaskIndex(store, "d")
    made.note(PROJECT, [task(1), task(2), REPLACED], {"v1": [1, 2]})
    return made


def opened(store: ArtifactStore, file: Path | None = None) -> TaskIndex:
    made = TaskIndex(store, "d", file)
    made.refresh()
    return made


def ids(index: TaskIndex) -> list[int]:
    """All tasks below ``images/0.jpg`` to ``images/9.jpg``."""
    return sorted(known.id for known in index.tasks(f"images/{n}.jpg" for n in range(10)))


def test_others_know_what_was_noted(index: TaskIndex, store: ArtifactStore, tmp_path: Path) -> None:
    other = opened(store, tmp_path / "copy.sqlite")
    assert (other.project, len(other), other.counts()) == (PROJECT, 3, {"v1": 2})
    assert other.holds(2)
    assert not other.holds(9)


def test_tasks_of_a_key_come_with_all_that_is_known_of_them(index: TaskIndex) -> None:
    assert list(index.tasks(["images/1.jpg", "images/nine.jpg"])) == [task(1), REPLACED]


def test_tasks_that_are_marked_as_vanished_are_known(index: TaskIndex) -> None:
    assert index.vanished() == [REPLACED]


def test_predictions_of_one_version_are_told_from_those_of_others(index: TaskIndex) -> None:
    index.note(PROJECT, predicted={"v2": [1]})
    assert index.predicted([1, 2, 3], "v2") == ({1}, {1, 2})


def test_forgotten_predictions_count_no_more(index: TaskIndex) -> None:
    index.note(PROJECT, predicted={"v2": [1]})
    index.note(PROJECT, forgotten=[1])
    assert index.counts() == {"v1": 1}


def test_later_note_about_a_task_replaces_the_earlier_one(index: TaskIndex) -> None:
    changed = Task(1, "images/1.jpg", "other", shows="other")
    index.note(PROJECT, [changed])
    assert next(index.tasks(["images/1.jpg"])) == changed


def test_another_project_begins_an_empty_index(index: TaskIndex, store: ArtifactStore) -> None:
    index.note("2 later", [task(7)])
    other = opened(store)
    assert (len(other), other.counts(), other.holds(1)) == (1, {}, False)


def test_index_that_is_not_stored_is_known_to_itself_only(
    index: TaskIndex, store: ArtifactStore
) -> None:
    unseen = TaskIndex(store, "d", stored=False)
    unseen.refresh()
    unseen.mend_tasks(PROJECT, [])
    assert len(unseen) == 0
    assert len(opened(store)) == 3


@pytest.fixture
def short_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """A difference takes several records."""
    monkeypatch.setattr(module, "ROWS_PER_RECORD", 2)


@pytest.mark.usefixtures("short_records")
def test_listing_corrects_tasks(index: TaskIndex, store: ArtifactStore) -> None:
    changed = Task(2, "images/2.jpg", "other", True, "third")
    index.mend_tasks(PROJECT, [task(1), changed, *map(task, range(4, 9))])
    for known in (index, opened(store)):
        assert ids(known) == [1, 2, 4, 5, 6, 7, 8]
        assert list(known.tasks(["images/2.jpg"])) == [changed]


@pytest.mark.usefixtures("short_records")
def test_listing_corrects_predictions(index: TaskIndex, store: ArtifactStore) -> None:
    index.mend_predictions(PROJECT, "v1", [1, 3], 2)
    index.mend_predictions(PROJECT, "v2", [2], 1)
    for known in (index, opened(store)):
        assert known.counts() == {"v1": 2, "v2": 1}
        assert known.predicted([1, 2, 3], "v1") == ({1, 3}, {2})


def test_version_without_predictions_is_forgotten(index: TaskIndex) -> None:
    index.mend_predictions(PROJECT, "v1", (), 0)
    assert index.counts() == {}


def test_task_with_two_predictions_of_a_version_counts_twice(
    index: TaskIndex, store: ArtifactStore
) -> None:
    index.mend_predictions(PROJECT, "v1", [1, 2], 3)
    assert opened(store).counts() == {"v1": 3}


def test_listing_that_differs_in_nothing_writes_nothing(
    index: TaskIndex, store: ArtifactStore
) -> None:
    before = task_series(store, "d").numbers()
    index.mend_tasks(PROJECT, [task(1), task(2), REPLACED])
    index.mend_predictions(PROJECT, "v1", [1, 2], 2)
    assert task_series(store, "d").numbers() == before


def test_deleted_tasks_take_their_predictions_along(index: TaskIndex) -> None:
    index.mend_tasks(PROJECT, [task(2)])
    assert index.counts() == {"v1": 1}
