"""What `infer --batch` names: a folder on this machine, or a prefix of the store."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from annolooop.errors import DataError, UsageError
from annolooop.records import Image
from annolooop.storage.images import IMAGES, ImageCatalog, content_hash, is_image_name
from annolooop.storage.store import ArtifactStore, StoredObject

UNSHOWN = "?"  # Label Studio takes what follows it in a bucket's address for a query


@dataclass(frozen=True)
class Source:
    """One file of a batch.

    Attributes:
        name: as people know it, for messages.
        key: where it is in the store, or belongs.
        file: on this machine, when it still has to be put into the store.
        found: the object in the store, if it is there.
    """

    name: str
    key: str
    file: Path | None
    found: StoredObject | None


def list_batch(batch: str | None, store: ArtifactStore, catalog: ImageCatalog) -> list[Source]:
    """The image files of a batch, by key.

    Args:
        batch: a folder or file on this machine, a prefix of the store (with or without
            ``images/``, or as an address in its bucket), or ``None`` for every image of the
            dataset.
        store: the artifact store.
        catalog: the dataset's images.

    Raises:
        UsageError: there is no such folder or prefix.
        DataError: it holds no images.
    """
    if batch is None:
        keys = {image.key for image in catalog.images()}
        sources = [s for s in _from_store(store, IMAGES) if s.key in keys]
        if not sources:
            raise DataError(
                "the dataset has no images yet",
                "Name a folder: annoloop infer --batch data/batch_1",
            )
        return sources
    path = Path(batch).expanduser()
    there = _exists(path)
    if not batch.strip() or (there and not path.resolve().name):
        raise UsageError(
            f"--batch {batch!r} names no folder of images", "Name one: --batch data/batch_1"
        )
    if there:
        prefix = _prefix_of(path.resolve(), store)
        sources = _from_folder(path, store) if prefix is None else _from_store(store, prefix)
    else:
        prefix = batch.removeprefix(f"{store.url}/").strip("/")
        if prefix != IMAGES and not prefix.startswith(f"{IMAGES}/"):
            prefix = f"{IMAGES}/{prefix}"
        plain = not {"", ".", ".."} & set(prefix.split("/"))
        sources = _from_store(store, prefix) if plain else []
        if not sources:
            raise UsageError(
                f"--batch {batch}: there is no such folder here, and no such prefix in the store",
                f"Name an existing folder, or a folder below {store.url}/{IMAGES}",
            )
    if not sources:
        raise DataError(f"--batch {batch}: no image files in it", "Name a folder with images.")
    return sources


def place(source: Source, sha256: str, store: ArtifactStore, catalog: ImageCatalog) -> Image:
    """Where a file of this content belongs in the store.

    A key that holds other content is never overwritten: the file gets a key of its own, made
    from its content.
    """
    if source.file is None or source.found is None:
        return Image(source.key, sha256)
    known = catalog.known(source.found)
    held = known.sha256 if known else content_hash(store.get(source.key))
    if held == sha256:
        return Image(source.key, sha256)
    stem, dot, suffix = source.key.rpartition(".")
    return Image(f"{stem}-{sha256[:8]}{dot}{suffix}", sha256)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long for the file system
        return False


def _prefix_of(path: Path, store: ArtifactStore) -> str | None:
    """The store's prefix for a folder that lies in it, else ``None``."""
    if store.local_path is None:
        return None
    root = (store.local_path / IMAGES).resolve()
    if not path.is_relative_to(root):
        return None
    return f"{IMAGES}/{path.relative_to(root).as_posix()}".removesuffix("/.")


def _from_store(store: ArtifactStore, prefix: str) -> list[Source]:
    return [
        Source(found.key, found.key, None, found)
        for found in store.walk(prefix)
        if is_image_name(found.key)
    ]


def _from_folder(path: Path, store: ArtifactStore) -> list[Source]:
    folder = path if path.is_dir() else path.parent
    home = f"{IMAGES}/{folder.resolve().name}"
    stored = {found.key: found for found in store.walk(home)}
    files = sorted(_walk(path, store.local_path)) if path.is_dir() else [path]
    sources = []
    for file in files:
        key = f"{home}/{PurePosixPath(*file.relative_to(folder).parts)}"
        if store.local_path is None:
            key = key.replace(UNSHOWN, "_")
        name = os.fsencode(file).decode("utf-8", "replace")
        sources.append(Source(name, key, file, stored.get(key)))
    return sources


def _walk(folder: Path, store: Path | None) -> Iterator[Path]:
    """Image files below a folder; hidden ones, and those of the store itself, are left out."""
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if hidden or not is_image_name(file.name) or not file.is_file():
            continue
        if store is None or not file.resolve().is_relative_to(store):
            yield file
