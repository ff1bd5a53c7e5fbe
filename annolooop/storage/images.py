"""The images of a dataset: which keys of the store belong to it, and what they hold."""

import hashlib
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from sqlite3 import Connection
from types import NoneType
from typing import Annotated, Any

from annolooop.domain.tasks import Image
from annolooop.storage.artifacts.prefixes import COPIES, DATASETS, is_below, is_own
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject, is_key
from annolooop.storage.database import as_bytes, as_text, chunks, pack, unpack
from annolooop.storage.index import Index
from annolooop.storage.listing import ListingDiff
from annolooop.storage.series import Series

IMAGES = "images"  # prefix of all images of the store
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".jfif"}
)
HEIC_SUFFIXES = frozenset({".heic", ".heif"})  # read where the extra ``heic`` is installed
_HASH = re.compile(r"([0-9a-f]{64})?")
_KINDS = {(str, str), (str, str, int), (str, str, int, bool), (str, str, NoneType, bool)}
_NONE = "\0"  # no folder has this name
Entries = dict[str, Sequence[Any]]  # key -> hash, etag; size if known, and whether it has a copy


def is_image_name(name: str) -> bool:
    """Whether a file's name says that it is an image which is read here, in whatever case."""
    suffix = suffix_of(name)
    return suffix in SUFFIXES or (suffix in HEIC_SUFFIXES and _reads_heic())


def suffix_of(name: str) -> str:
    """The suffix of a file's name, in small letters; empty without one."""
    return PurePosixPath(name).suffix.lower()


@cache
def _reads_heic() -> bool:
    return find_spec("pi_heif") is not None


def content_hash(data: bytes) -> str:
    """SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def copy_key(sha256: str) -> str:
    """Key of the copy that browsers can show, of an image of this content."""
    return f"{COPIES}/{sha256}.jpg"


def put_copy(store: ArtifactStore, sha256: str, make: Callable[[], bytes]) -> None:
    """Put the copy of an image that browsers can show into the store, unless it is there.

    Args:
        store: where it is kept.
        sha256: of the image's content.
        make: makes it.
    """
    try:
        store.info(copy_key(sha256))
    except KeyError:
        store.put_new(copy_key(sha256), make())


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
    "CREATE TABLE copied (key BLOB PRIMARY KEY) WITHOUT ROWID",  # what people see is a copy
)


def series_of(store: ArtifactStore, dataset: str) -> Series[Entries]:
    """The numbered series that a dataset's catalogue is."""
    return Series(store, f"{DATASETS}/{dataset}/images", Annotated[dict, _checked])


def _checked(entries: Entries) -> Entries:
    """A record of the catalogue, as it is; ValueError where it is none."""
    for key, entry in entries.items():
        if tuple(map(type, entry)) not in _KINDS or not _HASH.fullmatch(entry[0]):
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
    bytes as a third where that is known, and a fourth, true, where browsers cannot show the image
    and :func:`copy_key` names a copy; an empty hash stands for an object that cannot be read.
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
        copied: Container[str] = (),
    ) -> None:
        """Make images part of the dataset, or note their new content; one write.

        Args:
            images: with their hashes.
            etags: key -> the store's etag of the object that was hashed.
            sizes: key -> its bytes, where they are known.
            copied: keys of images that people see a copy of.
        """
        lines: dict[str, list[str | int | None]] = {}
        for image in images:
            etag = etags.get(image.key, "")
            if self.known(StoredObject(image.key, 0, etag)) != image:
                size = (sizes or {}).get(image.key)
                more = [size, True] if image.key in copied else [] if size is None else [size]
                lines[image.key] = [image.sha256, etag, *more]
        if lines:
            self.index.append(lines)

    def shown(self, images: Sequence[Image]) -> dict[str, str]:
        """Key of each image -> key of what people see of it: the image, or a copy of it."""
        shown = {image.key: image.key for image in images}
        for some in chunks(images):
            marks = ",".join("?" * len(some))
            statement = f"SELECT key FROM copied WHERE key IN ({marks})"
            copied = {
                as_text(k) for (k,) in self.index.rows(statement, [as_bytes(i.key) for i in some])
            }
            shown |= {i.key: copy_key(i.sha256) for i in some if i.key in copied}
        return shown

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
    images, skipped, folders, copied = [], [], set(), []
    for key, (sha256, etag, *more) in entries.items():
        packed = as_bytes(key)
        if sha256:
            images.append((packed, pack(sha256), etag, more[0] if more else None))
            folders.add(packed.rpartition(b"/")[0])
            copied += [packed] if len(more) > 1 and more[1] else []
        else:
            skipped.append((packed, etag))
    db.executemany("REPLACE INTO images VALUES (?, ?, ?, ?)", images)
    db.executemany("REPLACE INTO skipped VALUES (?, ?)", skipped)
    db.executemany("INSERT OR IGNORE INTO folders VALUES (?)", ((f,) for f in folders))
    if copied or db.execute("SELECT 1 FROM copied").fetchone():
        db.executemany("DELETE FROM copied WHERE key = ?", ((row[0],) for row in images))
        db.executemany("INSERT OR IGNORE INTO copied VALUES (?)", ((key,) for key in copied))


def place_of(key: str, places: Container[str]) -> str | None:
    """The outermost of some folders that holds this key, at any depth."""
    outermost = None
    above = key
    while above and not is_own(key):
        above = above.rpartition("/")[0]
        if above in places:
            outermost = above
    return outermost
