"""What is where, quickly: a local copy of a numbered series, as tables that can be asked."""

import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from annolooop.errors import UnreachableError
from annolooop.storage.artifacts.store import StoredObject
from annolooop.storage.database import CacheDatabase
from annolooop.storage.series import Series

RECORDS_AT_ONCE = 64  # that are applied in one transaction
APPLIED = "CREATE TABLE applied (number INTEGER PRIMARY KEY, etag TEXT, sha256 TEXT)"

Apply = Callable[[sqlite3.Connection, Any], None]
Applied = dict[int, tuple[str | None, str | None]]  # number -> etag if known, else digest of bytes


def index_file(folder: Path, series: Series[Any]) -> Path:
    """Where the index of a series is kept, below a folder for all indexes."""
    where = f"{series.store.url}\n{series.prefix}"
    digest = hashlib.sha256(where.encode("utf-8", "surrogatepass")).hexdigest()
    return folder / f"{digest[:32]}.sqlite"


class Index(CacheDatabase):
    """A numbered series, applied record by record to tables.

    The series is what counts. The tables are also made again if what was applied is not how the
    series begins: it was deleted and begun again.

    Args:
        series: what it is a copy of.
        file: see :class:`CacheDatabase`.
        schema: statements that make the tables.
        apply: changes the tables for one record; called with ``db`` and the record, in the order of
            the numbers; it begins and ends no transaction.
    """

    def __init__(
        self, series: Series[Any], file: Path | None, schema: Sequence[str], apply: Apply
    ) -> None:
        made_for = f"{series.store.url}\n{series.prefix}"
        super().__init__(file, (APPLIED, *schema), series.prefix, made_for)
        self._series = series
        self._apply = apply

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

    def _refresh(self) -> None:
        applied = self._applied()  # before the listing, which then has them all
        objects = self._series.objects()
        if not self._follows(applied, objects):
            self.make(lambda: self._applied() == applied)
            self._refresh()
            return
        new = sorted(objects.keys() - applied.keys())
        pairs = zip(new, self._series.each(new), strict=True)
        while some := list(islice(pairs, RECORDS_AT_ONCE)):
            with self.writing():
                last = self._last()  # someone else may have applied some just now
                for number, value in some:
                    if number > last:
                        self._enter(number, value, objects[number].etag, None)

    def _etag(self, number: int, size: int) -> str | None:
        """Of an object that we wrote just now; ``None`` where that is not known."""
        with suppress(KeyError, UnreachableError):
            item = self._series.store.info(self._series.key(number))
            return item.etag if item.size == size else None
        return None

    def _apply_own(self, number: int, value: Any, etag: str | None, sha256: str | None) -> None:
        with self.writing():
            next_one = self._last() == number - 1
            if next_one:
                self._enter(number, value, etag, sha256)
        if not next_one:
            self._refresh()

    def _enter(self, number: int, value: Any, etag: str | None, sha256: str | None) -> None:
        try:
            self._apply(self.db, value)
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
            raise self._series.damaged(number, "it does not hold what such a file holds") from error
        self.db.execute("INSERT INTO applied VALUES (?, ?, ?)", (number, etag, sha256))

    def _follows(self, applied: Applied, objects: Mapping[int, StoredObject]) -> bool:
        """Whether what was applied is how the series begins, each number as it was then.

        The last one would not do: a bucket's etag may be a digest of the content, and a series
        that was begun again may have the same content under the same number.
        """
        last = max(applied, default=0)
        if applied.keys() != {number for number in objects if number <= last}:
            return False
        if any(etag not in (None, objects[number].etag) for number, (etag, _) in applied.items()):
            return False
        unknown = {n: sha256 for n, (etag, sha256) in applied.items() if etag is None}
        for number, data in self._series.store.get_each(unknown, self._series.key):
            if not isinstance(data, bytes) or hashlib.sha256(data).hexdigest() != unknown[number]:
                return False
            self.db.execute(
                "UPDATE applied SET etag = ? WHERE number = ? AND sha256 = ?",
                (objects[number].etag, number, unknown[number]),
            )
        return True

    def _applied(self) -> Applied:
        return {n: (etag, sha) for n, etag, sha in self.db.execute("SELECT * FROM applied")}

    def _last(self) -> int:
        (last,) = self.db.execute("SELECT coalesce(max(number), 0) FROM applied").fetchone()
        return int(last)

    def _mending(self, work: Callable[[], None]) -> None:
        """Change the tables; where the file fails, by another one, or in memory."""
        while True:
            try:
                return work()
            except sqlite3.DatabaseError as error:
                if self._file is None:
                    raise
                self.reopen(error)
                work = self._refresh
