"""History that only grows: typed records, numbered from 1, each written once.

A series is ``<prefix>/<n>.json`` in the store, with ``n`` of six digits, or seven. Whatever else
lies there is left alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject
from annolooop.storage.records import WrongRecord, from_json, to_json

T = TypeVar("T")
Derived = Mapping[str, Callable[[int, Mapping[str, Any]], Any]]

WITNESS = ".written"  # ends the name of the object beside a record
_NAME = re.compile(r"(?!0+\.)(\d{6}|[1-9]\d{6})(\.json|\.written)", re.ASCII)
NONE: Derived = {}
NUMBER: Derived = {"number": lambda number, body: number}


class Series(Generic[T]):
    """A numbered series of records.

    Args:
        store: where it is kept.
        prefix: of its keys.
        kind: type of its records; see :func:`annolooop.storage.records.from_json`.
        derived: fields of the records that are not written: each with what makes it of the number
            and of what was written.
        instead: what stands for a damaged record, where all that is in it can be made again;
            without it, a damaged record is an error.
        witnessed: each record gets an empty object beside it, so that it is noticed when the
            newest one is missing.
    """

    def __init__(
        self,
        store: ArtifactStore,
        prefix: str,
        kind: Any,
        derived: Derived = NONE,
        instead: T | None = None,
        witnessed: bool = False,
    ) -> None:
        self.store = store
        self.prefix = prefix
        self._kind = kind
        self._derived = derived
        self._instead = instead
        self._witnessed = witnessed

    def key(self, number: int) -> str:
        """Key of a record in the store."""
        return f"{self.prefix}/{number:06d}.json"

    def objects(self) -> dict[int, StoredObject]:
        """The objects of the series by number, ascending.

        Raises:
            DataError: the newest one is missing, as its witness tells.
        """
        objects, witnesses = self._look()
        newest = max(witnesses, default=0)
        if newest > max(objects, default=0):
            try:  # it may have been written while the list was made
                objects[newest] = self.store.info(self.key(newest))
            except KeyError:
                raise self.store.lost(self.key(newest)) from None
        return objects

    def numbers(self) -> list[int]:
        """The numbers of the records, ascending; errors as :meth:`objects`'s."""
        return list(self.objects())

    def read(self, number: int) -> T:
        """A record by number.

        Raises:
            DataError: there is none, or it is damaged.
        """
        return self._decode(number, self.raw(number))

    def raw(self, number: int) -> bytes:
        """A record as it lies in the store; DataError when there is none."""
        return self.store.require(self.key(number))

    def latest(self) -> T | None:
        """The newest record, or ``None`` before the first; errors as :meth:`read`'s."""
        numbers = self.numbers()
        return self.read(numbers[-1]) if numbers else None

    def each(self, numbers: Iterable[int] | None = None) -> Iterator[T]:
        """Records in the order of their numbers, read many at a time; errors as :meth:`read`'s.

        Args:
            numbers: of the records; default: all.
        """
        chosen = self.numbers() if numbers is None else numbers
        for number, data in self.store.get_each(chosen, self.key):
            if not isinstance(data, bytes):
                raise self.store.lost(self.key(number))
            yield self._decode(number, data)

    def append(self, value: T) -> int:
        """Write the next record. Returns its number: of two writers, each gets one of its own."""
        return self.append_encoded(self.encode(value))

    def append_encoded(self, data: bytes) -> int:
        """The same for a record that :meth:`encode` has made JSON of."""
        objects, witnesses = self._look()
        number = max([*objects, *witnesses], default=0) + 1
        while not self.store.put_new(self.key(number), data):
            number += 1
        if self._witnessed:
            self.store.put(f"{self.prefix}/{number:06d}{WITNESS}", b"")
        return number

    def write_after(self, number: int, value: T) -> bool:
        """Write the record that follows a number, unless someone else has written it.

        Returns:
            Whether it was written: of several writers, by one.
        """
        return self.store.put_new(self.key(number + 1), self.encode(value))

    def encode(self, value: T) -> bytes:
        """A record as it is written."""
        return to_json(value, self._derived)

    def damaged(self, number: int, why: str) -> DataError:
        """The error for a record that does not hold what it should."""
        return self.store.damaged(self.key(number), why)

    def _look(self) -> tuple[dict[int, StoredObject], list[int]]:
        """The objects of the series by number, ascending, and numbers of witnesses."""
        start, objects, witnesses = len(self.prefix) + 1, {}, []
        for item in self.store.walk(self.prefix):
            match = _NAME.fullmatch(item.key, start)
            if match and match[2] == WITNESS:
                witnesses.append(int(match[1]))
            elif match:
                objects[int(match[1])] = item
        return dict(sorted(objects.items())), witnesses

    def _decode(self, number: int, data: bytes) -> T:
        def complete(body: Any) -> Any:
            if type(body) is not dict or not self._derived:
                return body
            return body | {name: make(number, body) for name, make in self._derived.items()}

        try:
            record: T = from_json(self._kind, data, complete)
        except WrongRecord as error:
            if self._instead is not None:
                return self._instead
            raise self.damaged(number, str(error)) from None
        return record
