"""One record in the store that is replaced as a whole."""

from typing import Any, Generic, TypeVar

from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.records import WrongRecord, from_json, to_json

T = TypeVar("T")


class Document(Generic[T]):
    """A record under one key.

    Args:
        store: where it is kept.
        key: of the object.
        kind: type of the record; see :func:`annolooop.storage.records.from_json`.
    """

    def __init__(self, store: ArtifactStore, key: str, kind: Any) -> None:
        self._store = store
        self._key = key
        self._kind = kind

    def read(self) -> T | None:
        """The record, or ``None`` where there is none.

        Raises:
            DataError: it is damaged.
        """
        try:
            record: T = from_json(self._kind, self._store.get(self._key))
        except KeyError:
            return None
        except WrongRecord as error:
            raise self._store.damaged(self._key, str(error)) from None
        return record

    def exists(self) -> bool:
        """Whether there is one."""
        return self._store.exists(self._key)

    def write(self, value: T) -> None:
        """Put a record in the place of whatever is there."""
        self._store.put(self._key, to_json(value))

    def delete(self) -> None:
        """Remove it, if it is there."""
        self._store.delete(self._key)
