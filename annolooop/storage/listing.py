"""How a listing of the store differs from the catalogue; any number of keys.

Keys are kept in temporary tables beside the index of the catalogue, so that memory stays flat.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from annolooop.storage.artifacts.store import StoredObject
from annolooop.storage.database import CacheDatabase, as_bytes, as_text, unpack


class Keys(Collection[str]):
    """Keys, sorted; held in a temporary table of an index."""

    def __init__(self, index: CacheDatabase, keys: Iterable[str]) -> None:
        self._index = index
        self._table = index.add_temporary("key BLOB PRIMARY KEY")
        index.fill(self._table, ((as_bytes(key),) for key in keys))
        ((self._count,),) = index.rows(f"SELECT count(*) FROM {self._table}")

    def __len__(self) -> int:
        return int(self._count)

    def __iter__(self) -> Iterator[str]:
        statement = f"SELECT key FROM {self._table} WHERE key > ? ORDER BY key"
        return (as_text(key) for (key,) in self._index.each_row(statement))

    def __contains__(self, key: object) -> bool:
        statement = f"SELECT 1 FROM {self._table} WHERE key = ?"
        return isinstance(key, str) and bool(self._index.rows(statement, [as_bytes(key)]))


class ComparedObject(NamedTuple):
    """An object of a listing, compared with the catalogue.

    Attributes:
        stored: the object.
        sha256: hash of the catalogue's image, if there is one under this key.
        same: it has not changed since.
    """

    stored: StoredObject
    sha256: str | None
    same: bool


class ListingDiff(Collection[str]):
    """The objects of one listing; as a collection, their keys.

    Args:
        index: has the tables ``images`` and ``skipped``.
        objects: are listed once, here.
    """

    def __init__(self, index: CacheDatabase, objects: Iterable[StoredObject]) -> None:
        self._index = index
        self._table = index.add_temporary("key BLOB PRIMARY KEY, size INTEGER, etag TEXT")
        index.fill(self._table, ((as_bytes(o.key), o.size, o.etag) for o in objects))

    @property
    def table(self) -> str:
        """Its table: ``key``, ``size``, ``etag``."""
        return self._table

    def __len__(self) -> int:
        ((number,),) = self._index.rows(f"SELECT count(*) FROM {self._table}")
        return int(number)

    def __contains__(self, key: object) -> bool:
        statement = f"SELECT 1 FROM {self._table} WHERE key = ?"
        return isinstance(key, str) and bool(self._index.rows(statement, [as_bytes(key)]))

    def __iter__(self) -> Iterator[str]:
        return (one.stored.key for one in self.objects())

    def objects(self) -> Iterator[ComparedObject]:
        """All objects, by key."""
        return self._objects("LEFT JOIN", "")

    def new_or_changed(self) -> Iterator[ComparedObject]:
        """Objects that are new or changed, without those that are skipped and have not changed."""
        return self._objects(
            "LEFT JOIN",
            "AND (i.etag IS NULL OR i.etag <> s.etag) AND NOT EXISTS "
            "(SELECT 1 FROM skipped k WHERE k.key = s.key AND k.etag = s.etag)",
        )

    def images(self) -> Iterator[ComparedObject]:
        """Objects under whose key the dataset has an image."""
        return self._objects("CROSS JOIN", "")

    def image_totals(self) -> tuple[int, int]:
        """How many of them there are, and their bytes."""
        ((number, size),) = self._index.rows(
            f"SELECT count(*), coalesce(sum(s.size), 0) FROM {self._table} s "
            "JOIN images i ON i.key = s.key"
        )
        return number, size

    def has_image(self, key: str) -> bool:
        """Whether the dataset has an image of this key, and it is listed."""
        return bool(
            self._index.rows(
                f"SELECT 1 FROM images i JOIN {self._table} s ON s.key = i.key WHERE i.key = ?",
                [as_bytes(key)],
            )
        )

    def missing(self, prefix: str = "") -> Keys:
        """Keys of images of the dataset, below a prefix and at it, that are not listed."""
        # What follows the slash in the order of characters ends what is below.
        first, end = (f"{prefix}/", f"{prefix}0") if prefix else ("", "\U0010ffff")
        statement = (
            "SELECT i.key FROM images i WHERE i.key > ? AND i.key < ? AND i.key > ? AND NOT EXISTS "
            f"(SELECT 1 FROM {self._table} s WHERE s.key = i.key) ORDER BY i.key"
        )
        rows = self._index.each_row(statement, [as_bytes(first), as_bytes(end)])
        keys: Iterable[str] = (as_text(key) for (key,) in rows)
        at = self._index.rows("SELECT 1 FROM images WHERE key = ?", [as_bytes(prefix)])
        return Keys(self._index, chain([prefix] if at and prefix not in self else [], keys))

    def _objects(self, join: str, condition: str) -> Iterator[ComparedObject]:
        statement = (
            f"SELECT s.key, s.size, s.etag, i.sha256, i.etag FROM {self._table} s "
            f"{join} images i ON i.key = s.key WHERE s.key > ? {condition} ORDER BY s.key"
        )
        for key, size, etag, sha256, then in self._index.each_row(statement):
            item = StoredObject(as_text(key), size, etag)
            yield ComparedObject(item, None if sha256 is None else unpack(sha256), then == etag)
