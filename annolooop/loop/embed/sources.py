"""The image files of a batch: as many as there are, in little memory."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from annolooop.domain.tasks import Image
from annolooop.errors import DataError
from annolooop.storage.artifacts.folder import files_below
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject
from annolooop.storage.database import as_bytes, as_text, chunks, unpack
from annolooop.storage.file_hashes import FileHashes, FileState
from annolooop.storage.images import IMAGES, ImageCatalog, is_image_name, suffix_of
from annolooop.storage.listing import ListingDiff


@dataclass(frozen=True)
class Source:
    """One file of a batch.

    Attributes:
        name: as people know it, for messages.
        key: where it is in the store, or belongs.
        file: on this machine, when it still has to be put into the store.
        stored: the object in the store, if it is there.
        sha256: hash of its content, where that is known without reading it.
        held: hash of what the store has under the key, where the catalogue knows it.
        state: of the file when it was listed, for its hash; ``None`` where it proves nothing.
        size: bytes.
    """

    name: str
    key: str
    file: Path | None
    stored: StoredObject | None
    sha256: str | None = None
    held: str | None = None
    state: FileState | None = None
    size: int = 0

    def is_known(self, image: Image) -> bool:
        """Whether the store has this image, and the catalogue knows."""
        there = self.stored is not None and self.stored.key == image.key
        return there and self.held == image.sha256


class Sources(Protocol):
    """Files that may be passed through more than once; a list of them is one, too."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Source]: ...


class StoredFiles:
    """Objects of the store that were listed, or those of them that are the dataset's.

    Args:
        diff: of the listing and the catalog.
        members: only those under whose key the dataset has an image.
    """

    def __init__(self, diff: ListingDiff, members: bool = False) -> None:
        self._diff = diff
        self._members = members
        self._count = diff.image_totals()[0] if members else len(diff)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Source]:
        diff = self._diff
        for stored, sha256, same in diff.images() if self._members else diff.objects():
            known = sha256 if same else None
            yield Source(stored.key, stored.key, None, stored, known, known, size=stored.size)


class LocalFiles:
    """Image files of a folder of this machine, or one of them, as they were when this was made.

    Hidden ones, and those of the store itself, are left out.

    Args:
        path: the folder, or the file.
        store, catalog: where the files belong.
        hashes: of files that were read before.

    Attributes:
        unreadable: name -> reason of folders, and of files by the names of images, that are left
            out since they cannot be read.
        passed_over: suffix -> how many files have it, and so are no images by their names.

    Raises:
        DataError: the folder cannot be read.
    """

    def __init__(
        self, path: Path, store: ArtifactStore, catalog: ImageCatalog, hashes: FileHashes
    ) -> None:
        self._folder = path if path.is_dir() else path.parent
        self._store, self._index, self._hashes = store, catalog.index, hashes
        self._home = f"{IMAGES}/{self._folder.resolve().name}"
        self.unreadable: dict[str, str] = {}
        self.passed_over: Counter[str] = Counter()
        self._stored = catalog.listing_diff(store.walk(self._home))
        self._table = self._index.add_temporary(
            "number INTEGER PRIMARY KEY, path BLOB, key BLOB, size INTEGER, changed INTEGER, "
            "touched INTEGER, inode INTEGER",
        )
        try:
            files = self._below() if path.is_dir() else iter([(path.name, path.stat())])
            self._index.fill(self._table, self._rows(files))
        except OSError as error:
            raise DataError(
                f"--batch {path} cannot be read: {error.strerror or error}",
                "Check that this account may read it.",
            ) from error
        ((self._count,),) = self._index.rows(f"SELECT count(*) FROM {self._table}")

    def __len__(self) -> int:
        return int(self._count)

    def __iter__(self) -> Iterator[Source]:
        statement = (
            "SELECT f.number, f.path, f.key, f.size, f.changed, f.touched, f.inode, "
            "s.size, s.etag, i.sha256 "
            f"FROM {self._table} f LEFT JOIN {self._stored.table} s ON s.key = f.key "
            "LEFT JOIN images i ON i.key = s.key AND i.etag = s.etag "
            "WHERE f.number > ? ORDER BY f.number"
        )
        top = self._folder.resolve()
        for rows in chunks(self._index.each_row(statement, after=0)):
            files = [as_text(row[1]) for row in rows]
            states = [
                None if row[4] is None else FileState(f"{top}/{file}", *row[3:7])
                for file, row in zip(files, rows, strict=True)
            ]
            known = self._hashes.known(states)
            for file, row, state, sha256 in zip(files, rows, states, known, strict=True):
                key, (size, etag, held) = as_text(row[2]), row[7:]
                stored = None if etag is None else StoredObject(key, size, etag)
                place, name = self._folder / file, self._name(file)
                here = held and unpack(held)
                yield Source(name, key, place, stored, sha256, here, state, size=row[3])

    def _name(self, file: str) -> str:
        return os.fsencode(self._folder / file).decode("utf-8", "replace")

    def _below(self) -> Iterator[tuple[str, os.stat_result]]:
        top, store = self._folder.resolve(), self._store.local_path
        inside = store and store.resolve()
        own = inside.relative_to(top).as_posix() if inside and inside.is_relative_to(top) else None

        def skip(path: str) -> bool:
            return path.rpartition("/")[2].startswith(".") or path == own

        def follow(path: str) -> bool:
            return inside is None or not (top / path).resolve().is_relative_to(inside)

        def lost(path: str, reason: str) -> None:
            if path.endswith("/") or is_image_name(path):
                self.unreadable[self._name(path)] = reason

        for path, status in files_below(str(self._folder), skip, follow, lost):
            if is_image_name(path):
                yield path, status
            else:
                self.passed_over[suffix_of(path)] += 1

    def _rows(
        self, files: Iterator[tuple[str, os.stat_result]]
    ) -> Iterator[tuple[int | bytes | None, ...]]:
        numbers = count(1)
        for path, status in files:
            key = f"{self._home}/{path}"
            for character in self._store.unshown:
                key = key.replace(character, _readable(character))
            state = FileState.of(path, status) or (path, status.st_size, None, None, None)
            yield next(numbers), as_bytes(path), as_bytes(key), *state[1:]


def _readable(character: str) -> str:
    """What stands for a character that cannot be shown: its wide form, or its picture."""
    return chr(ord(character) + (0xFEE0 if character.isprintable() else 0x2400))
