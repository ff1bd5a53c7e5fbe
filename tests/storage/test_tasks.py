"""The index of tasks: what it is told, it says, also to others; it is mended by a listing."""

from pathlib import Path

from annolooop.domain.tasks import Task
from annolooop.storage import tasks as module
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.tasks import TaskIndex, task_series


def task(number: int, key: str = "") -> Task:
    return Task(number, key or f"images/{number}.jpg", f"{number:064}", shows=f"{number:064}")


def test_what_is_noted_is_known_to_all_who_refresh(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    first, second = TaskIndex(store, "d"), TaskIndex(store, "d", tmp_path / "copy.sqlite")
    replaced = Task(3, "images/1.jpg", "old", True, "new", vanished=True)
    first.note("1 then", [task(1), task(2), replaced], {"v1": [1, 2]})
    first.note("1 then", predicted={"v2": [1]})
    second.refresh()
    assert second.project == "1 then"
    assert list(second.tasks(["images/1.jpg", "images/nine.jpg"])) == [task(1), replaced]
    assert second.predicted([1, 2, 3], "v2") == ({1}, {1, 2})
    assert (second.counts(), len(second), second.vanished()) == ({"v1": 2, "v2": 1}, 3, [replaced])
    second.note("1 then", forgotten=[1])
    first.refresh()
    assert first.counts() == {"v1": 1}
    # A task index of another project begins anew.
    first.note("2 later", [task(7)])
    second.refresh()
    assert (len(second), second.counts(), second.holds(1)) == (1, {}, False)


def test_listing_mends_it_and_only_what_differs_is_written(tmp_path: Path) -> None:
    module.ROWS_PER_RECORD, before = 2, module.ROWS_PER_RECORD
    try:
        store = ArtifactStore(str(tmp_path))
        task_index = TaskIndex(store, "d")
        task_index.note("1 then", [task(1), task(2), task(9)], {"v1": [1, 2, 9], "v2": [2]})
        changed = Task(2, "images/2.jpg", "other", True, "third")
        task_index.mend_tasks("1 then", [task(1), changed, *map(task, range(3, 8))])
        task_index.mend_predictions("1 then", "v1", [1, 3, 4, 5], 5)  # one task has two of them
        task_index.mend_predictions("1 then", "v2", (), 0)
        other = TaskIndex(store, "d")
        other.refresh()
        for known in (task_index, other):
            assert sorted(t.id for t in known.tasks(f"images/{n}.jpg" for n in range(10))) == [
                *range(1, 8)
            ]
            assert known.counts() == {"v1": 5}
            assert known.predicted(range(10), "v1") == ({1, 3, 4, 5}, set())
            assert list(known.tasks(["images/2.jpg"])) == [changed]
        numbers = task_series(store, "d").numbers()
        task_index.mend_tasks("1 then", [task(1), changed, *map(task, range(3, 8))])
        task_index.mend_predictions("1 then", "v1", [1, 3, 4, 5], 5)
        unseen = TaskIndex(store, "d", stored=False)
        unseen.refresh()
        unseen.mend_tasks("1 then", [])
        assert len(unseen) == 0
        assert task_series(store, "d").numbers() == numbers
    finally:
        module.ROWS_PER_RECORD = before
