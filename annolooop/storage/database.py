"""An SQLite file in the cache, which may be deleted at any time."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count, islice
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from annolooop.errors import UnreachableError
from annolooop.files.whole import make_private

SECONDS_TO_WAIT = 30.0  # for another process that writes to the same file
PAGES_IN_MEMORY = 32_768  # KiB of the file
ROWS_IN_MEMORY = 1000
MADE = "CREATE TABLE made (digest TEXT)"

T = TypeVar("T")

_numbers = count(1)  # of temporary tables


def as_bytes(text: str) -> bytes:
    """A key as it is kept in tables: names need not be text, and bytes are sorted as text is."""
    return text.encode("utf-8", "surrogatepass")


def as_text(data: bytes) -> str:
    """The key that was kept."""
    return data.decode("utf-8", "surrogatepass")


def pack(sha256: str) -> bytes | str:
    """A hash as it is kept in tables: half as long."""
    with suppress(ValueError):
        if (packed := bytes.fromhex(sha256)).hex() == sha256:
            return packed
    return sha256


def unpack(kept: bytes | str) -> str:
    """The hash that was packed."""
    return kept.hex() if isinstance(kept, bytes) else kept


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """The items, a thousand at a time."""
    iterator = iter(items)
    while some := list(islice(iterator, ROWS_IN_MEMORY)):
        yield some


class CacheDatabase:
    """Tables in an SQLite file that can be made again from something else.

    The file is made again if it is damaged, or was made for other tables. Several processes may use
    it at once. Where it cannot be used, the tables are in memory.

    Several threads may use one object: :meth:`rows` is safe, and so is ``db`` while ``lock`` is
    held. ``db`` commits each statement, unless a transaction was begun by one.

    Args:
        file: default: in memory.
        schema: statements that make the tables.
        what: what the tables are a copy of, for messages.
        made_for: what they are made for; with another text, they are made again.
    """

    def __init__(
        self, file: Path | None, schema: Sequence[str], what: str, made_for: str = ""
    ) -> None:
        self._file = file
        self._schema = (MADE, *schema)
        self._what = what
        made = "\n".join((made_for, *self._schema)).encode("utf-8", "surrogatepass")
        self._digest = hashlib.sha256(made).hexdigest()
        self._removed = False
        self.lock = RLock()
        self.db = self._open()

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows that a statement gives.

        Raises:
            UnreachableError: the file is damaged, or cannot be read.
        """
        with self._asking():
            return self.db.execute(statement, values).fetchall()

    def each_row(
        self, statement: str, values: Sequence[Any] = (), after: bytes | int = b""
    ) -> Iterator[Any]:
        """Rows in the order of their first column, a thousand at a time; errors as :meth:`rows`'s.

        The tables may change meanwhile.

        Args:
            statement: sorted by its first column, which has to be above its last parameter.
            values: of all parameters but the last.
            after: is below the first column of all rows.
        """
        page = f"{statement} LIMIT {ROWS_IN_MEMORY}"
        while rows := self.rows(page, (*values, after)):
            yield from rows
            if len(rows) < ROWS_IN_MEMORY:
                return
            after = rows[-1][0]

    def add_temporary(self, columns: str) -> str:
        """Make a temporary table. Returns its name."""
        name = f"temp.t{next(_numbers)}"
        self.rows(f"CREATE TABLE {name} ({columns}) WITHOUT ROWID")
        return name

    def fill(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Put rows into a table; rows with the same primary key are replaced.

        Raises:
            UnreachableError: the disk is full.
        """
        for some in chunks(rows):
            places = ", ".join("?" * len(some[0]))
            with self._asking():
                self.db.execute("BEGIN")
                try:
                    self.db.executemany(f"REPLACE INTO {table} VALUES ({places})", some)
                finally:
                    self.db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self.db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it, or nothing."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            raise

    def reopen(self, error: sqlite3.Error) -> None:
        """Go on after an error of the file: with another one in its place, or in memory."""
        self.db.close()
        self._give_up(error)
        self.db = self._open()

    def make(self, still: Callable[[], bool]) -> None:
        """Make the tables, empty, in place of whatever is there, unless someone just did so.

        Args:
            still: whether they are needed, asked when nobody else can write.
        """
        with self.writing():
            if not still():
                return
            for (name,) in self.db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall():
                self.db.execute(f'DROP TABLE "{name}"')
            for statement in self._schema:
                self.db.execute(statement)
            self.db.execute("INSERT INTO made VALUES (?)", (self._digest,))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with self.lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                raise UnreachableError(
                    f"the copy of {self._what} on this machine cannot be used: {error}",
                    "Check that the disks of the cache and of temporary files are not full.",
                ) from error
            except sqlite3.DatabaseError as error:
                if self._file is None or isinstance(error, sqlite3.ProgrammingError):
                    raise
                self._give_up(error)
                raise UnreachableError(
                    f"the copy of {self._what} on this machine is damaged: {error}",
                    "Type the same command again: the copy is made again.",
                ) from error

    def _open(self) -> sqlite3.Connection:
        while self._file is not None:
            try:
                make_private(self._file.parent)
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
        self.db = sqlite3.connect(
            name, SECONDS_TO_WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            # Not a write-ahead log: that needs memory shared by all, which no network drive has.
            self.db.execute("PRAGMA synchronous = NORMAL")
            self.db.execute(f"PRAGMA cache_size = -{PAGES_IN_MEMORY}")
            self.db.execute(f"PRAGMA temp.cache_size = -{PAGES_IN_MEMORY}")
            if self._is_foreign():
                self.make(self._is_foreign)
        except BaseException:
            self.db.close()
            raise
        return self.db

    def _is_foreign(self) -> bool:
        """Whether the tables are not, or not all, those that we would make."""
        tables = self.db.execute("SELECT name FROM sqlite_master WHERE name = 'made'").fetchall()
        return not tables or self.db.execute("SELECT digest FROM made").fetchall() != [
            (self._digest,)
        ]
