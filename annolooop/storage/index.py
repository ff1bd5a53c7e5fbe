"""A local copy of a numbered series of JSON objects, as tables that can be asked."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any

from annolooop.errors import UnreachableError
from annolooop.storage.artifacts.store import StoredObject
from annolooop.storage.series import Series

PATIENCE = 30.0  # seconds to wait for another process that writes to the same file
AT_A_TIME = 64  # objects that are applied in one transaction
CACHE = 32_768  # KiB of the file in memory
STATE = (
    "CREATE TABLE mirror (made TEXT)",
    "CREATE TABLE applied (number INTEGER PRIMARY KEY, etag TEXT, sha256 TEXT)",
)

Apply = Callable[[sqlite3.Connection, Any], None]
Applied = dict[int, tuple[str | None, str | None]]  # number -> etag if known, else digest of bytes


def mirror_file(folder: Path, series: Series[Any]) -> Path:
    """Where the mirror of a series is kept, below a folder for all mirrors."""
    where = f"{series.store.url}\n{series.prefix}"
    digest = hashlib.sha256(where.encode("utf-8", "surrogatepass")).hexdigest()
    return folder / f"{digest[:32]}.sqlite"


class Mirror:
    """A numbered series of a store, applied number by number to the tables of an SQLite file.

    The series is what counts. The file may be deleted at any time, and is made anew if it is
    damaged, was made for other tables, or if what was applied is not how the series begins (it
    was deleted and begun again); several processes may use it at once. Where it cannot be used,
    the tables are in memory.

    Several threads may use one mirror: :meth:`rows` is safe, and so is ``db`` while ``lock`` is
    held. ``db`` commits each statement, unless a transaction was begun by one.

    Args:
        series: what it is a copy of.
        file: default: in memory.
        schema: statements that make the tables.
        apply: is given ``db`` and one object's value, in the order of the numbers, and changes
            the tables; it begins and ends no transaction.
    """

    def __init__(
        self,
        series: Series[Any],
        file: Path | None,
        schema: Sequence[str],
        apply: Apply,
    ) -> None:
        self._series = series
        self._file = file
        self._schema = (*STATE, *schema)
        self._apply = apply
        made = "\n".join((series.store.url, series.prefix, *self._schema)).encode(
            "utf-8", "surrogatepass"
        )
        self._made = hashlib.sha256(made).hexdigest()
        self._removed = False
        self.lock = RLock()
        self.db = self._open()

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows that a statement gives.

        Raises:
            UnreachableError: the file is damaged, or cannot be read.
        """
        with self._asking():
            return self._rows(statement, values)

    def fill(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Do something with each of some rows, for temporary tables: one transaction.

        Raises:
            UnreachableError: the disk is full.
        """
        with self._asking():
            self.db.execute("BEGIN")
            try:
                self.db.executemany(statement, rows)
            finally:
                self.db.execute("COMMIT")

    def refresh(self) -> None:
        """Apply what the series has and the tables have not.

        Raises:
            DataError: a record of the series is damaged, or was deleted meanwhile.
            UnreachableError: the store fails.
        """
        with self.lock:
            self._mending(self._refresh)

    def append(self, value: Any) -> None:
        """Write the next object of the series, and apply it after what others wrote before it.

        Raises:
            UnreachableError: the store fails.
        """
        data = self._series.encode(value)
        number = self._series.append_encoded(data)
        etag = self._etag(number, len(data))
        sha256 = None if etag else hashlib.sha256(data).hexdigest()
        with self.lock:
            self._mending(lambda: self._apply_own(number, value, etag, sha256))

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self.db.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with self.lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                raise UnreachableError(
                    f"the copy of {self._series.prefix} on this machine cannot be used: {error}",
                    "Check that the disks of the cache and of temporary files are not full.",
                ) from error
            except sqlite3.DatabaseError as error:
                if self._file is None or isinstance(error, sqlite3.ProgrammingError):
                    raise
                self._give_up(error)
                raise UnreachableError(
                    f"the copy of {self._series.prefix} on this machine is damaged: {error}",
                    "Type the same command again: it is made anew.",
                ) from error

    # -- the series ------------------------------------------------------------------------------

    def _refresh(self) -> None:
        applied = self._applied()  # before the listing, which then has them all
        found = self._series.objects()
        if not self._follows(applied, found):
            self._make(lambda: self._applied() == applied)
            self._refresh()
            return
        new = sorted(found.keys() - applied.keys())
        pairs = zip(new, self._series.each(new), strict=True)
        while some := list(islice(pairs, AT_A_TIME)):
            with self._writing():
                last = self._last()  # someone else may have applied some just now
                for number, value in some:
                    if number > last:
                        self._enter(number, value, found[number].etag, None)

    def _etag(self, number: int, size: int) -> str | None:
        """Of an object that we wrote just now; ``None`` where that cannot be told."""
        with suppress(KeyError, UnreachableError):
            found = self._series.store.info(self._series.key(number))
            return found.etag if found.size == size else None
        return None

    def _apply_own(self, number: int, value: Any, etag: str | None, sha256: str | None) -> None:
        with self._writing():
            next_one = self._last() == number - 1
            if next_one:
                self._enter(number, value, etag, sha256)
        if not next_one:
            self._refresh()

    def _enter(self, number: int, value: Any, etag: str | None, sha256: str | None) -> None:
        try:
            self._apply(self.db, value)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise self._series.damaged(number, "it does not say what such a file says") from error
        self.db.execute("INSERT INTO applied VALUES (?, ?, ?)", (number, etag, sha256))

    def _follows(self, applied: Applied, found: Mapping[int, StoredObject]) -> bool:
        """Whether what was applied is how the series begins, each number as it was then.

        The last one would not do: a bucket's etag may be a digest of the content, and a series
        that was begun again may have the same content under the same number.
        """
        last = max(applied, default=0)
        if applied.keys() != {number for number in found if number <= last}:
            return False
        if any(etag not in (None, found[number].etag) for number, (etag, _) in applied.items()):
            return False
        unknown = {n: sha256 for n, (etag, sha256) in applied.items() if etag is None}
        for number, data in self._series.store.get_each(unknown, self._series.key):
            if not isinstance(data, bytes) or hashlib.sha256(data).hexdigest() != unknown[number]:
                return False
            self.db.execute(
                "UPDATE applied SET etag = ? WHERE number = ? AND sha256 = ?",
                (found[number].etag, number, unknown[number]),
            )
        return True

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        return self.db.execute(statement, values).fetchall()

    def _applied(self) -> Applied:
        return {n: (etag, sha) for n, etag, sha in self._rows("SELECT * FROM applied")}

    def _last(self) -> int:
        ((last,),) = self._rows("SELECT coalesce(max(number), 0) FROM applied")
        return int(last)

    # -- the file --------------------------------------------------------------------------------

    def _mending(self, work: Callable[[], None]) -> None:
        """Change the tables; where the file fails, by another one, or in memory."""
        while True:
            try:
                return work()
            except sqlite3.DatabaseError as error:
                if self._file is None:
                    raise
                self.db.close()
                self._give_up(error)
                self.db = self._open()
                work = self._refresh

    def _open(self) -> sqlite3.Connection:
        while self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                return self._connect(str(self._file))
            except (OSError, sqlite3.DatabaseError) as error:
                self._give_up(error)
        return self._connect(":memory:")

    def _give_up(self, error: Exception) -> None:
        """Remove a damaged file, once; do without one that cannot be read, written or removed."""
        file, self._file = self._file, None
        unusable = isinstance(error, (OSError, sqlite3.OperationalError))
        if file is None or unusable or self._removed:
            return
        self._removed = True
        with suppress(OSError):
            file.with_name(f"{file.name}-journal").unlink(missing_ok=True)
            file.unlink(missing_ok=True)
            self._file = file

    def _connect(self, name: str) -> sqlite3.Connection:
        self.db = sqlite3.connect(name, PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            # Not a write-ahead log: that needs memory shared by all, which no network drive has.
            self.db.execute("PRAGMA synchronous = NORMAL")
            self.db.execute(f"PRAGMA cache_size = -{CACHE}")
            self.db.execute(f"PRAGMA temp.cache_size = -{CACHE}")
            if self._is_foreign():
                self._make(self._is_foreign)
        except BaseException:
            self.db.close()
            raise
        return self.db

    def _is_foreign(self) -> bool:
        """Whether the tables are not, or not all, those that we would make."""
        tables = self._rows("SELECT name FROM sqlite_master WHERE name = 'mirror'")
        return not tables or self._rows("SELECT made FROM mirror") != [(self._made,)]

    def _make(self, still: Callable[[], bool]) -> None:
        """Make the tables, empty, in place of whatever is there, unless someone just did so.

        Args:
            still: whether they are needed, asked when nobody else can write.
        """
        with self._writing():
            if not still():
                return
            for (name,) in self._rows(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ):
                self.db.execute(f'DROP TABLE "{name}"')
            for statement in self._schema:
                self.db.execute(statement)
            self.db.execute("INSERT INTO mirror VALUES (?)", (self._made,))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: all of it, or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            raise
