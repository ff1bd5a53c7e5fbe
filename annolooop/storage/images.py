"""The images of a dataset: which keys of the store belong to it, and what they hold."""

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from sqlite3 import Connection
from typing import Annotated, Any

from annolooop.domain.tasks import Image
from annolooop.storage.artifacts.prefixes import DATASETS, is_below, is_own
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject, is_key
from annolooop.storage.database import as_bytes, as_text, pack, unpack
from annolooop.storage.index import Index
from annolooop.storage.listing import ListingDiff
from annolooop.storage.series import Series

IMAGES = "images"  # prefix of all images of the store
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".jfif"}
)
_HASH = re.compile(r"([0-9a-f]{64})?")
_NONE = "\0"  # no folder has this name
Entries = dict[str, Sequence[Any]]  # key -> hash, etag and, where it is known, size


def is_image_name(name: str) -> bool:
    """Whether a file's name says that it is an image, in whatever case."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def content_hash(data: bytes) -> str:
    """SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


class Lost(Exception):
    """The store does not have the content of an image any more; the text says why."""


def read_image(store: ArtifactStore, image: Image) -> bytes:
    """The bytes of an image, as they were when it was hashed.

    Raises:
        Lost: they are not there.
    """
    ((_, data),) = read_images(store, [image])
    if isinstance(data, Lost):
        raise data
    return data


def read_images(
    store: ArtifactStore, images: Iterable[Image]
) -> Iterator[tuple[Image, bytes | Lost]]:
    """Many images in their order, as they were when they were hashed; or why they are not there."""
    for image, data in store.get_each(images, lambda image: image.key):
        if not isinstance(data, bytes):
            yield image, Lost("it is no longer in the store")
        elif content_hash(data) != image.sha256:
            yield image, Lost("another picture lies under its key now")
        else:
            yield image, data


SCHEMA = (
    "CREATE TABLE images (key BLOB PRIMARY KEY, sha256 BLOB, etag TEXT, size INTEGER) "
    "WITHOUT ROWID",
    "CREATE TABLE skipped (key BLOB PRIMARY KEY, etag TEXT) WITHOUT ROWID",
    "CREATE TABLE folders (folder BLOB PRIMARY KEY) WITHOUT ROWID",  # of images
)


def series_of(store: ArtifactStore, dataset: str) -> Series[Entries]:
    """The numbered series that a dataset's catalogue is."""
    return Series(store, f"{DATASETS}/{dataset}/images", Annotated[dict, _checked])


def _checked(entries: Entries) -> Entries:
    """A record of the catalogue, as it is; ValueError where it is none."""
    for key, entry in entries.items():
        kinds = tuple(map(type, entry))
        if kinds not in ((str, str), (str, str, int)) or not _HASH.fullmatch(entry[0]):
            raise ValueError
        if not is_key(key):
            raise ValueError
    return entries


def _folder(name: str) -> str:
    """A folder of the store, as it is; ValueError where it is none. The empty one holds all."""
    if name and not is_key(name):
        raise ValueError
    return name


class ImageCatalog:
    """Keys and hashes of a dataset's images: no object is read twice to be hashed.

    A series in the store; later entries win. An entry is ``key: [sha256, etag]``, with the size in
    bytes as a third where that is known; an empty hash stands for an object that cannot be read.
    Answers come from an index, so memory holds only what is requested, and only new records are
    read from the store.

    Args:
        store, dataset: whose images.
        cache_file: of the copy; default: in memory.

    Raises:
        DataError: it is damaged.
        UnreachableError: the store fails.
    """

    def __init__(self, store: ArtifactStore, dataset: str, cache_file: Path | None = None) -> None:
        self._store = store
        # Who names a folder again notes it again.
        folders = f"{DATASETS}/{dataset}/folders"
        self._folders: Series[str] = Series(store, folders, Annotated[str, _folder], instead=_NONE)
        self.index = Index(series_of(store, dataset), cache_file, SCHEMA, _apply)
        self.index.refresh()

    def __len__(self) -> int:
        return int(self.index.rows("SELECT count(*) FROM images")[0][0])

    def images(self) -> Iterator[Image]:
        """All images of the dataset, by key."""
        statement = "SELECT key, sha256 FROM images WHERE key > ? ORDER BY key"
        for key, sha256 in self.index.each_row(statement):
            yield Image(as_text(key), unpack(sha256))

    def copies(self) -> dict[str, list[str]]:
        """Content hash -> keys, ascending, of contents that lie under several."""
        several = "SELECT sha256 FROM images GROUP BY sha256 HAVING count(*) > 1"
        statement = f"SELECT sha256, key FROM images WHERE sha256 IN ({several}) ORDER BY key"
        keys: dict[str, list[str]] = {}
        for sha256, key in self.index.rows(statement):
            keys.setdefault(unpack(sha256), []).append(as_text(key))
        return keys

    def get(self, key: str) -> Image | None:
        """The image of this key."""
        rows = self.index.rows("SELECT sha256 FROM images WHERE key = ?", [as_bytes(key)])
        return Image(key, unpack(rows[0][0])) if rows else None

    def known(self, item: StoredObject) -> Image | None:
        """The image of this object, if it belongs to the dataset and has not changed since."""
        rows = self.index.rows(
            "SELECT sha256 FROM images WHERE key = ? AND etag = ?",
            [as_bytes(item.key), item.etag],
        )
        return Image(item.key, unpack(rows[0][0])) if rows else None

    def is_skipped(self, item: StoredObject) -> bool:
        """Whether this object could not be read, and has not changed since."""
        return bool(
            self.index.rows(
                "SELECT 1 FROM skipped WHERE key = ? AND etag = ?",
                [as_bytes(item.key), item.etag],
            )
        )

    def skip(self, objects: Iterable[StoredObject]) -> None:
        """Note that objects cannot be read; one write."""
        lines = {o.key: ["", o.etag, o.size] for o in objects if not self.is_skipped(o)}
        if lines:
            self.index.append(lines)

    def add(
        self,
        images: Iterable[Image],
        etags: Mapping[str, str],
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        """Make images part of the dataset, or note their new content; one write.

        Args:
            images: with their hashes.
            etags: key -> the store's etag of the object that was hashed.
            sizes: key -> its bytes, where they are known.
        """
        lines: dict[str, list[str | int]] = {}
        for image in images:
            etag = etags.get(image.key, "")
            if self.known(StoredObject(image.key, 0, etag)) != image:
                size = (sizes or {}).get(image.key)
                lines[image.key] = [image.sha256, etag, *([] if size is None else [size])]
        if lines:
            self.index.append(lines)

    # -- folders of the store into which others put images ---------------------------------------

    @cached_property
    def _named(self) -> set[str]:
        """Folders of the store that were named as a batch."""
        return set(self._folders.each()) - {_NONE}

    def watch(self, folder: str) -> None:
        """Note that the images of a folder of the store belong to the dataset, at any depth."""
        if not any(is_below(folder, known) for known in self._named):
            self._folders.append(folder)
            self._named.add(folder)

    def places(self) -> frozenset[str]:
        """Folders of the store whose images are the dataset's, at any depth."""
        return frozenset(self._held - {IMAGES, ""} | self._named)  # these two hold all datasets

    def listing(self) -> Iterator[StoredObject]:
        """Objects of the store in all places where the dataset has images, also those of others.

        ``images/`` is listed as a whole, and what is outside of it by folder: each once.
        """
        folders = self._held | self._named
        done: list[str] = []
        for folder in sorted({IMAGES if is_below(f, IMAGES) else f for f in folders}):
            if not any(is_below(folder, above) for above in done):
                done.append(folder)
                yield from self._store.walk(folder)

    def listing_diff(self, objects: Iterable[StoredObject] | None = None) -> ListingDiff:
        """How objects of the store differ from the catalogue; default: those of :meth:`listing`."""
        return ListingDiff(self.index, self.listing() if objects is None else objects)

    @property
    def _held(self) -> set[str]:
        """Folders in which the dataset has images."""
        return {as_text(folder) for (folder,) in self.index.rows("SELECT folder FROM folders")}


def _apply(db: Connection, entries: Entries) -> None:
    """Change the tables by one record of the catalogue."""
    images, skipped, folders = [], [], set()
    for key, (sha256, etag, *more) in entries.items():
        packed = as_bytes(key)
        if sha256:
            images.append((packed, pack(sha256), etag, more[0] if more else None))
            folders.add(packed.rpartition(b"/")[0])
        else:
            skipped.append((packed, etag))
    db.executemany("REPLACE INTO images VALUES (?, ?, ?, ?)", images)
    db.executemany("REPLACE INTO skipped VALUES (?, ?)", skipped)
    db.executemany("INSERT OR IGNORE INTO folders VALUES (?)", ((f,) for f in folders))


def place_of(key: str, places: Container[str]) -> str | None:
    """The outermost of some folders that holds this key, at any depth."""
    outermost = None
    above = key
    while above and not is_own(key):
        above = above.rpartition("/")[0]
        if above in places:
            outermost = above
    return outermost
