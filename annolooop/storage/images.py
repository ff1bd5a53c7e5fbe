"""The images of a dataset: which keys of the store belong to it, and what they hold."""

import hashlib
import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from annolooop.records import Image
from annolooop.storage.prefixes import DATASETS, is_below, is_own
from annolooop.storage.store import ArtifactStore, StoredObject, numbered

IMAGES = "images"  # prefix of all images of the store
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".jfif"}
)


def is_image_name(name: str) -> bool:
    """Whether a file's name says that it is an image, in whatever case."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def content_hash(data: bytes) -> str:
    """SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


class Lost(Exception):
    """The store has not got the content that an image had; the text says why."""


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


@dataclass(frozen=True)
class CatalogEntry:
    """What is known of one key: the hash of its content, and the etag it had then."""

    sha256: str
    etag: str


class ImageCatalog:
    """Keys and hashes of a dataset's images, so that nothing is read again to be hashed.

    Kept in the store as numbered JSON files that are only added; later entries win. An entry
    without a hash is that of an object that cannot be read.
    """

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        self._store = store
        self._prefix = f"{DATASETS}/{dataset}/images"
        self._folders = f"{DATASETS}/{dataset}/folders"
        self._entries: dict[str, CatalogEntry] = {}
        self._useless: dict[str, str] = {}  # key -> etag of what cannot be read
        keys = [numbered(self._prefix, number) for number in store.numbers(self._prefix)]
        for read in store.get_each_json(keys):
            for key, (sha256, etag) in read.items():
                if sha256:
                    self._entries[key] = CatalogEntry(sha256, etag)
                else:
                    self._useless[key] = etag

    def __len__(self) -> int:
        return len(self._entries)

    def images(self) -> list[Image]:
        """All images of the dataset, by key."""
        return [Image(key, self._entries[key].sha256) for key in sorted(self._entries)]

    def known(self, found: StoredObject) -> Image | None:
        """The image of this object, if it belongs to the dataset and has not changed since."""
        entry = self._entries.get(found.key)
        if entry is None or entry.etag != found.etag:
            return None
        return Image(found.key, entry.sha256)

    def is_useless(self, found: StoredObject) -> bool:
        """Whether this object could not be read, and has not changed since."""
        return self._useless.get(found.key) == found.etag

    def set_aside(self, objects: Iterable[StoredObject]) -> None:
        """Note that objects cannot be read; one write."""
        new = {found.key: found.etag for found in objects if not self.is_useless(found)}
        if new:
            lines = {key: ["", etag] for key, etag in new.items()}
            self._store.append(self._prefix, json.dumps(lines, ensure_ascii=False).encode())
            self._useless |= new

    def add(self, images: Iterable[Image], etags: Mapping[str, str]) -> None:
        """Make images part of the dataset, or note their new content; one write.

        Args:
            images: with their hashes.
            etags: key -> the store's etag of the object that was hashed.
        """
        new = {
            image.key: CatalogEntry(image.sha256, etags.get(image.key, ""))
            for image in images
            if self._entries.get(image.key) != CatalogEntry(image.sha256, etags.get(image.key, ""))
        }
        if not new:
            return
        lines = {key: [entry.sha256, entry.etag] for key, entry in new.items()}
        self._store.append(self._prefix, json.dumps(lines, ensure_ascii=False).encode())
        self._entries |= new

    # -- where images are that somebody else may put there ---------------------------------------

    @cached_property
    def _named(self) -> set[str]:
        """Folders of the store that were named as a batch."""
        store, series = self._store, self._folders
        return {str(store.get_json(numbered(series, n))) for n in store.numbers(series)}

    def watch(self, folder: str) -> None:
        """Note that the images of a folder of the store are meant for the dataset, at any depth."""
        if not any(is_below(folder, known) for known in self._named):
            self._store.append(self._folders, json.dumps(folder, ensure_ascii=False).encode())
            self._named.add(folder)

    def places(self) -> frozenset[str]:
        """Folders of the store whose images are the dataset's, at any depth."""
        held = {key.rpartition("/")[0] for key in self._entries}
        return frozenset(held - {IMAGES, ""} | self._named)  # in those two are all datasets

    def listing(self) -> Iterator[StoredObject]:
        """Objects of the store in all places where the dataset has images, also those of others.

        ``images/`` is listed as a whole, and what is outside of it by folder: each once.
        """
        folders = {key.rpartition("/")[0] for key in self._entries} | self._named
        done: list[str] = []
        for folder in sorted({IMAGES if is_below(f, IMAGES) else f for f in folders}):
            if not any(is_below(folder, above) for above in done):
                done.append(folder)
                yield from self._store.walk(folder)


def place_of(key: str, places: Container[str]) -> str | None:
    """The outermost of some folders that holds this key, at any depth."""
    found = None
    above = key
    while above and not is_own(key):
        above = above.rpartition("/")[0]
        if above in places:
            found = above
    return found
