"""The images of a dataset: which keys of the store belong to it, and what they hold."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from annolooop.records import Image
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
    try:
        data = store.get(image.key)
    except KeyError:
        raise Lost("it is no longer in the store") from None
    if content_hash(data) != image.sha256:
        raise Lost("another picture lies under its key now")
    return data


@dataclass(frozen=True)
class CatalogEntry:
    """What is known of one key: the hash of its content, and the etag it had then."""

    sha256: str
    etag: str


class ImageCatalog:
    """Keys and hashes of a dataset's images, so that nothing is read again to be hashed.

    Kept in the store as numbered JSON files that are only added; later entries win.
    """

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        self._store = store
        self._prefix = f"datasets/{dataset}/images"
        self._entries: dict[str, CatalogEntry] = {}
        for number in store.numbers(self._prefix):
            read = store.get_json(numbered(self._prefix, number))
            self._entries |= {key: CatalogEntry(*value) for key, value in read.items()}

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
