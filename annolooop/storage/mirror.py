"""A local copy of a numbered series of JSON objects, as tables that can be asked."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any

from annolooop.errors import DataError, UnreachableError
from annolooop.storage.store import ArtifactStore, StoredObject, numbered

PATIENCE = 30.0  # seconds to wait for another process that writes to the same file
AT_A_TIME = 64  # objects that are applied in one transaction
CACHE = 32_768  # KiB of the file in memory
STATE = "CREATE TABLE mirror (made TEXT, applied INTEGER, etag TEXT, sha256 TEXT)"

Apply = Callable[[sqlite3.Connection, Any], None]


def mirror_file(folder: Path, store: ArtifactStore, prefix: str) -> Path:
    """Where the mirror of a series is kept, below a folder for all mirrors."""
    digest = hashlib.sha256(f"{store.url}\n{prefix}".encode("utf-8", "surrogatepass")).hexdigest()
    return folder / f"{digest[:32]}.sqlite"


class Mirror:
    """A numbered series of a store, applied number by number to the tables of an SQLite file.

    The series is what counts. The file may be deleted at any time, and is made anew if it is
    damaged, was made for other tables, or if the series was deleted and begun again; several
    processes may use it at once. Where it cannot be used, the tables are in memory.

    Several threads may use one mirror: :meth:`rows` is safe, and so is ``db`` while ``lock`` is
    held. ``db`` commits each statement, unless a transaction was begun by one.

    Args:
        store: holds the series.
        prefix: of the series; see :meth:`ArtifactStore.append`.
        file: default: in memory.
        schema: statements that make the tables.
        apply: is given ``db`` and one object's value, in the order of the numbers, and changes
            the tables; it begins and ends no transaction.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prefix: str,
        file: Path | None,
        schema: Sequence[str],
        apply: Apply,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._file = file
        self._schema = (STATE, *schema)
        self._apply = apply
        made = "\n".join((store.url, prefix, *self._schema)).encode("utf-8", "surrogatepass")
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
            DataError: an object of the series is damaged.
            UnreachableError: the store fails.
        """
        with self.lock:
            self._mending(self._refresh)

    def append(self, value: Any) -> None:
        """Write the next object of the series, and apply it after what others wrote before it.

        Raises:
            UnreachableError: the store fails.
        """
        data = json.dumps(value, ensure_ascii=False).encode()
        number = self._store.append(self._prefix, data)
        sha256 = hashlib.sha256(data).hexdigest()
        with self.lock:
            self._mending(lambda: self._apply_own(number, value, sha256))

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
                    f"the copy of {self._prefix} on this machine cannot be used: {error}",
                    "Check that the disks of the cache and of temporary files are not full.",
                ) from error
            except sqlite3.DatabaseError as error:
                if self._file is None or isinstance(error, sqlite3.ProgrammingError):
                    raise
                self._give_up(error)
                raise UnreachableError(
                    f"the copy of {self._prefix} on this machine is damaged: {error}",
                    "Type the same command again: it is made anew.",
                ) from error

    # -- the series ------------------------------------------------------------------------------

    def _refresh(self) -> None:
        found = {}
        for item in self._store.walk(self._prefix):
            name = item.key.rpartition("/")[2].removesuffix(".json")
            if name.isdigit():
                found[int(name)] = item
        state = self._state()
        if not self._follows(state, found):
            self._make(lambda: self._state() == state)
        applied = self._state()[0]
        new = sorted(number for number in found if number > applied)
        pairs = zip(new, self._read(new), strict=True)
        while some := list(islice(pairs, AT_A_TIME)):
            with self._writing():
                applied = self._state()[0]  # someone else may have done so just now
                for number, value in some:
                    if number > applied:
                        self._enter(number, value)
                last = max(applied, some[-1][0])
                if last in found:
                    self._note(last, found[last].etag, None)

    def _read(self, new: Iterable[int]) -> Iterator[Any]:
        try:
            yield from self._store.get_each_json(numbered(self._prefix, n) for n in new)
        except KeyError as error:
            raise UnreachableError(
                f"{self._prefix} in the artifact store {self._store.url} was deleted while it was "
                "read",
                "Type the same command again.",
            ) from error

    def _apply_own(self, number: int, value: Any, sha256: str) -> None:
        with self._writing():
            next_one = self._state()[0] == number - 1
            if next_one:
                self._enter(number, value)
                # Its etag would cost a request: it is looked up when we come back.
                self._note(number, None, sha256)
        if not next_one:
            self._refresh()

    def _enter(self, number: int, value: Any) -> None:
        try:
            self._apply(self.db, value)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise DataError(
                f"{numbered(self._prefix, number)} in the artifact store {self._store.url} is "
                "damaged: it does not say what such a file says",
                "Put it back from a backup.",
            ) from error

    def _follows(
        self, state: tuple[int, str | None, str | None], found: Mapping[int, StoredObject]
    ) -> bool:
        """Whether the last number applied is still what it was."""
        applied, etag, sha256 = state
        if not applied:
            return True
        if applied not in found:
            return False
        if etag is not None:
            return bool(found[applied].etag == etag)
        try:
            data = self._store.get(found[applied].key)
        except KeyError:
            return False
        if hashlib.sha256(data).hexdigest() != sha256:
            return False
        self.db.execute(
            "UPDATE mirror SET etag = ? WHERE applied = ?", (found[applied].etag, applied)
        )
        return True

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        return self.db.execute(statement, values).fetchall()

    def _state(self) -> tuple[int, str | None, str | None]:
        """Last number applied, its etag if that was looked up, else the digest of its bytes."""
        ((applied, etag, sha256),) = self._rows("SELECT applied, etag, sha256 FROM mirror")
        return applied, etag, sha256

    def _note(self, number: int, etag: str | None, sha256: str | None) -> None:
        self.db.execute(
            "UPDATE mirror SET applied = ?, etag = ?, sha256 = ?", (number, etag, sha256)
        )

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
            self.db.execute("INSERT INTO mirror VALUES (?, 0, NULL, NULL)", (self._made,))

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
