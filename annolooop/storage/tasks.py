"""The index of a dataset's tasks: those that Label Studio has confirmed."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar

from annolooop.domain.tasks import Task
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.index import Index
from annolooop.storage.records import check_of
from annolooop.storage.series import Series

T = TypeVar("T")

ROWS_PER_RECORD = 10_000  # of the series, when all tasks were listed
VALUES_AT_ONCE = 500  # in one statement
FIELDS = "id, key, sha256, replaced, shows, vanished"
COLUMNS = "id INTEGER PRIMARY KEY, key TEXT, sha256 TEXT, replaced INT, shows TEXT, vanished INT"
SCHEMA = (
    "CREATE TABLE project (identity TEXT)",
    f"CREATE TABLE task ({COLUMNS})",
    "CREATE INDEX task_by_key ON task (key)",
    "CREATE TABLE predicted (task INT, version TEXT, PRIMARY KEY (task, version)) WITHOUT ROWID",
    "CREATE TABLE extra (version TEXT PRIMARY KEY, count INTEGER)",
)


@dataclass(frozen=True)
class _Record:
    """One record of the series; see :meth:`TaskIndex.note`."""

    project: str
    tasks: tuple[tuple[int | str, ...], ...] = ()
    gone: tuple[int, ...] = ()
    predicted: dict[str, tuple[int, ...]] | None = None
    unpredicted: dict[str, tuple[int, ...]] | None = None
    extra: dict[str, int] | None = None


def _checked(value: dict[str, Any]) -> dict[str, Any]:
    """A record of the series, as it is; ValueError where it is none."""
    record: _Record = check_of(_Record)(value)
    for row in record.tasks:
        kinds = (int, str, str, int, str, int)[: 3 if len(row) == 3 else 6]
        if tuple(map(type, row)) != kinds:
            raise ValueError
    return value


def task_series(store: ArtifactStore, dataset: str) -> Series[dict[str, Any]]:
    """The series in the store. A damaged record forgets all tasks: they are listed again."""
    kind = Annotated[dict, _checked]
    return Series(store, f"{DATASETS}/{dataset}/tasks", kind, instead={"project": ""})


class TaskIndex:
    """Tasks with a key of one Label Studio project, and which versions predicted each.

    A series in the store; later records win. Each names its project, and the first one of another
    project begins an empty index. It holds what the server confirmed, and does not know what people
    deleted since: compare :attr:`project`, the number of tasks and :meth:`counts` with those of
    the server first.

    Args:
        store: where it is stored.
        dataset: its name.
        file: for a local copy of it; default: in memory.
        stored: write what is noted to the store; otherwise only this object knows it.
    """

    def __init__(
        self, store: ArtifactStore, dataset: str, file: Path | None = None, stored: bool = True
    ) -> None:
        self._index = Index(task_series(store, dataset), file, SCHEMA, _apply)
        self._stored = stored

    def refresh(self) -> None:
        """Read what others noted."""
        self._index.refresh()

    def close(self) -> None:
        """Let go of the local copy."""
        self._index.close()

    def __len__(self) -> int:
        return int(self._index.rows("SELECT COUNT(*) FROM task")[0][0])

    @property
    def project(self) -> str:
        """Identity of the project that it is about; empty for none."""
        rows = self._index.rows("SELECT identity FROM project")
        return str(rows[0][0]) if rows else ""

    def counts(self) -> dict[str, int]:
        """Version -> number of predictions that the server should have."""
        grouped = "SELECT version, COUNT(*) FROM predicted GROUP BY version"
        counts = dict(self._index.rows(grouped))
        for version, more in self._index.rows("SELECT version, count FROM extra"):
            counts[version] = counts.get(version, 0) + more
        return {version: count for version, count in counts.items() if count}

    def holds(self, task: int) -> bool:
        """Whether a task of this id is in it."""
        return bool(self._index.rows("SELECT 1 FROM task WHERE id = ?", [task]))

    def tasks(self, keys: Iterable[str]) -> Iterator[Task]:
        """Tasks of these keys, by id for each."""
        for row in self._asked(f"SELECT {FIELDS} FROM task WHERE key IN ({{}}) ORDER BY id", keys):
            yield _task(row)

    def vanished(self) -> list[Task]:
        """Tasks that are marked as vanished."""
        return [
            _task(row)
            for row in self._index.rows(f"SELECT {FIELDS} FROM task WHERE vanished ORDER BY id")
        ]

    def predicted(self, tasks: Iterable[int], version: str) -> tuple[set[int], set[int]]:
        """Which of these tasks have a prediction of a version, and which one of any other."""
        current: set[int] = set()
        others: set[int] = set()
        statement = "SELECT task, version FROM predicted WHERE task IN ({})"
        for task, by in self._asked(statement, tasks):
            (current if by == version else others).add(task)
        return current, others

    # -- notes -----------------------------------------------------------------------------------

    def note(
        self,
        project: str,
        tasks: Iterable[Task] = (),
        predicted: Mapping[str, Sequence[int]] | None = None,
        forgotten: Iterable[int] = (),
        gone: Sequence[int] = (),
        extra: Mapping[str, int] | None = None,
    ) -> None:
        """Note what the server confirmed; one write.

        Args:
            project: identity of the project.
            tasks: that are new, or whose data changed.
            predicted: version -> ids of tasks that have a prediction of it now.
            forgotten: ids of tasks that have no predictions any more.
            gone: ids of tasks that were deleted.
            extra: version -> how many predictions more there are than tasks that have one; what
                is added to that number.
        """
        less: dict[str, list[int]] = {}
        statement = "SELECT task, version FROM predicted WHERE task IN ({})"
        for task, version in self._asked(statement, forgotten):
            less.setdefault(version, []).append(task)
        rows = [_row(task) for task in tasks]
        more = {version: self.extra(version) + count for version, count in (extra or {}).items()}
        self._write(
            project, gone=gone, tasks=rows, predicted=predicted, unpredicted=less, extra=more
        )

    def extra(self, version: str) -> int:
        """How many predictions of a version there are more than tasks that have one."""
        rows = self._index.rows("SELECT count FROM extra WHERE version = ?", [version])
        return int(rows[0][0]) if rows else 0

    def _write(self, project: str, **noted: Any) -> None:
        value = {"project": project, **{name: what for name, what in noted.items() if what}}
        if self._stored:
            self._index.append(value)
        else:
            with self._index.lock:
                _apply(self._index.db, value)

    # -- all tasks were listed -------------------------------------------------------------------

    def mend_tasks(self, project: str, listed: Iterable[Task]) -> None:
        """Make it hold just these tasks; memory stays flat, and what is right is not written."""
        if self.project != project:
            self._write(project)
        rows = ((t.id, t.key, t.sha256, t.replaced, t.shows, t.vanished) for t in listed)
        seen = self._index.add_temporary(COLUMNS)
        self._index.fill(seen, rows)
        for ids in self._slices(f"SELECT id FROM task WHERE id NOT IN (SELECT id FROM {seen})"):
            self._write(project, gone=[task for (task,) in ids])
        same = " AND ".join(f"task.{name} IS seen.{name}" for name in FIELDS.split(", "))
        differs = f"NOT EXISTS (SELECT 1 FROM task WHERE {same})"
        for some in self._slices(f"SELECT {FIELDS} FROM {seen} AS seen WHERE {differs}"):
            self._write(project, tasks=[_row(_task(row)) for row in some])

    def mend_predictions(
        self, project: str, version: str, listed: Iterable[int], count: int
    ) -> None:
        """Make it hold predictions of a version for just these tasks.

        Args:
            project: identity of the project.
            version: of the model.
            listed: ids of tasks that have one.
            count: how many the server has: more than tasks where one has two.
        """
        having = self._index.add_temporary("id INTEGER PRIMARY KEY")
        self._index.fill(having, ((task,) for task in listed))
        less = f"version = ? AND task NOT IN (SELECT id FROM {having})"
        for ids in self._slices(f"SELECT task FROM predicted WHERE {less}", [version]):
            self._write(project, unpredicted={version: [task for (task,) in ids]})
        known = "SELECT 1 FROM predicted WHERE task = id AND version = ?"
        for ids in self._slices(f"SELECT id FROM {having} WHERE NOT EXISTS ({known})", [version]):
            self._write(project, predicted={version: [task for (task,) in ids]})
        more = count - self.counts().get(version, 0)
        if more:
            self._write(project, extra={version: self.extra(version) + more})

    def _slices(self, statement: str, values: Sequence[Any] = ()) -> Iterator[list[Any]]:
        """Rows of a difference, some at a time; the caller writes them before the next ones."""
        self._index.rows("DROP TABLE IF EXISTS temp.difference")
        self._index.rows(f"CREATE TEMP TABLE difference AS {statement}", values)
        statement = "SELECT rowid, * FROM temp.difference WHERE rowid > ? ORDER BY rowid LIMIT ?"
        last = 0
        while some := self._index.rows(statement, [last, ROWS_PER_RECORD]):
            last = some[-1][0]
            yield [row[1:] for row in some]

    def _asked(self, statement: str, values: Iterable[Any]) -> Iterator[Any]:
        """Rows of a statement that names any number of values."""
        remaining = iter(values)
        while some := list(islice(remaining, VALUES_AT_ONCE)):
            yield from self._index.rows(statement.format(",".join("?" * len(some))), some)


def _apply(db: sqlite3.Connection, value: Mapping[str, Any]) -> None:
    """Change the tables by one record of the series."""
    if db.execute("SELECT identity FROM project").fetchone() != (value["project"],):
        for table in ("project", "task", "predicted", "extra"):
            db.execute(f"DELETE FROM {table}")
        db.execute("INSERT INTO project VALUES (?)", [value["project"]])
    gone = [(task,) for task in value.get("gone", ())]
    db.executemany("DELETE FROM task WHERE id = ?", gone)
    db.executemany("DELETE FROM predicted WHERE task = ?", gone)
    rows = (row if len(row) > 3 else (*row, 0, row[2], 0) for row in value.get("tasks", ()))
    db.executemany("INSERT OR REPLACE INTO task VALUES (?, ?, ?, ?, ?, ?)", rows)
    for version, tasks in value.get("unpredicted", {}).items():
        pairs = ((task, version) for task in tasks)
        db.executemany("DELETE FROM predicted WHERE task = ? AND version = ?", pairs)
    for version, tasks in value.get("predicted", {}).items():
        pairs = ((task, version) for task in tasks)
        db.executemany("INSERT OR IGNORE INTO predicted VALUES (?, ?)", pairs)
    extra = value.get("extra", {})
    db.executemany("INSERT OR REPLACE INTO extra VALUES (?, ?)", extra.items())


def _row(task: Task) -> list[Any]:
    """A task as the series has it: most are as they were made."""
    plain = [task.id, task.key, task.sha256]
    if not task.replaced and not task.vanished and task.shows in ("", task.sha256):
        return plain
    return [*plain, int(task.replaced), task.shows, int(task.vanished)]


def _task(row: Sequence[Any]) -> Task:
    number, key, sha256, replaced, shows, vanished = row
    return Task(number, key, sha256, bool(replaced), shows, bool(vanished))
