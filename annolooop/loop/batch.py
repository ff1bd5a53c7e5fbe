"""What `infer --batch` names: a folder on this machine, or a prefix of the store."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from annolooop.errors import DataError, UsageError
from annolooop.records import Image
from annolooop.storage.images import IMAGES, ImageCatalog, is_image_name
from annolooop.storage.prefixes import is_below, is_own
from annolooop.storage.store import ArtifactStore, StoredObject


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


@dataclass(frozen=True)
class Listing:
    """What a batch is.

    Attributes:
        sources: its image files, by key.
        folder: of the store, if it names one.
        vanished: keys of images of the dataset that should be in it, and are not in the store.
    """

    sources: list[Source]
    folder: str | None = None
    vanished: tuple[str, ...] = ()


def list_batch(batch: str | None, store: ArtifactStore, catalog: ImageCatalog) -> Listing:
    """The image files of a batch.

    Args:
        batch: a folder or file on this machine, a prefix of the store (with or without
            ``images/``, or as an address), or ``None`` for every image of the dataset.
        store: the artifact store.
        catalog: the dataset's images.

    Raises:
        UsageError: there is no such folder or prefix, or it cannot hold images.
        DataError: it holds no images.
    """
    if batch is None:
        return _whole(catalog)
    path = Path(batch).expanduser()
    there = _exists(path)
    if not batch.strip() or (there and not path.resolve().name):
        raise UsageError(
            f"--batch {batch!r} names no folder of images", "Name one: --batch data/batch_1"
        )
    if not there:
        return _of_store(batch, store, catalog)
    prefix = _prefix_of(path.resolve(), store)
    found = _below(prefix, store, catalog) if prefix else Listing(_from_folder(path, store))
    if not found.sources:
        raise DataError(f"--batch {batch}: no image files in it", "Name a folder with images.")
    return found


def _whole(catalog: ImageCatalog) -> Listing:
    keys = {image.key for image in catalog.images()}
    sources = [Source(f.key, f.key, None, f) for f in catalog.listing() if f.key in keys]
    if not keys:
        raise DataError(
            "the dataset has no images yet",
            "Name a folder: annoloop infer --batch data/batch_1",
        )
    if not sources:
        raise DataError(
            f"all {len(keys)} images of the dataset are gone from the store", "Put them back."
        )
    return Listing(sources, None, tuple(sorted(keys - {source.key for source in sources})))


def _of_store(batch: str, store: ArtifactStore, catalog: ImageCatalog) -> Listing:
    """A batch that is named by its place in the store, used where it is."""
    for prefix in _prefixes(batch, store):
        if is_own(prefix):
            raise UsageError(
                f"--batch {batch}: below {prefix.partition('/')[0]}/ of the store annoloop keeps "
                "things of its own, and no images",
                f"Name another folder below {store.url}",
            )
        found = _below(prefix, store, catalog)
        if found.sources:
            return found
    where = store.url if store.local_path is None else f"{store.url}/{IMAGES}"
    raise UsageError(
        f"--batch {batch}: there is no such folder here, and no such prefix in the store",
        f"Name an existing folder, or a folder below {where}",
    )


def _prefixes(batch: str, store: ArtifactStore) -> list[str]:
    """Which prefixes of the store a batch may stand for, the likeliest first.

    Raises:
        UsageError: it is an address elsewhere.
    """
    bucket = store.local_path is None
    named = batch.rstrip("/")
    if bucket and named == store.url:
        return [""]
    if named.startswith(f"{store.url}/"):
        meant = [named.removeprefix(f"{store.url}/")]
    elif "://" in named:
        raise _elsewhere(batch, store)
    else:
        plain = named.strip("/")
        meant = [plain] if is_below(plain, IMAGES) else [f"{IMAGES}/{plain}", plain]
    return [
        prefix
        for prefix in meant
        if (bucket or is_below(prefix, IMAGES)) and not {"", ".", ".."} & set(prefix.split("/"))
    ]


def _elsewhere(batch: str, store: ArtifactStore) -> UsageError:
    scheme, _, rest = batch.partition("://")
    hint = f"Name a prefix below {store.url}"
    if scheme not in ("file", "http", "https"):
        hint += (
            "; or, to use images of another bucket where they are, make that bucket the store: "
            f"store.url: {scheme}://{rest.partition('/')[0]}"
        )
    return UsageError(f"--batch {batch} is not in the store, and store.url is {store.url}", hint)


def place(source: Source, sha256: str, held: str | None) -> Image:
    """Where a file of this content belongs in the store.

    A key that holds other content is never overwritten: the file gets a key of its own, made
    from its content.

    Args:
        held: hash of what the store has under the file's key, if anything.
    """
    if held in (None, sha256):
        return Image(source.key, sha256)
    stem, dot, suffix = source.key.rpartition(".")
    return Image(f"{stem}-{sha256[:8]}{dot}{suffix}", sha256)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long for the file system
        return False


def _prefix_of(path: Path, store: ArtifactStore) -> str | None:
    """The store's prefix for a folder that lies in it, else ``None``.

    Raises:
        UsageError: it lies where there are no images.
    """
    if store.local_path is None:
        return None
    root = (store.local_path / IMAGES).resolve()
    if path.is_relative_to(root):
        return f"{IMAGES}/{path.relative_to(root).as_posix()}".removesuffix("/.")
    top = store.local_path.resolve()
    if path.is_relative_to(top):
        ours = path == top or is_own(path.relative_to(top).as_posix())  # not to be moved
        raise UsageError(
            f"--batch {path}: it is in the store, but not below {root}, and of a store that is a "
            "folder Label Studio shows only what is there",
            f"{'Name a folder below' if ours else 'Move it to'} {root}, or name a folder outside "
            "of the store.",
        )
    return None


def _below(prefix: str, store: ArtifactStore, catalog: ImageCatalog) -> Listing:
    """The images below a prefix of the store, and at it."""
    found = {o.key: o for o in store.walk(prefix) if is_image_name(o.key) and not is_own(o.key)}
    gone = [i.key for i in catalog.images() if is_below(i.key, prefix) and i.key not in found]
    sources = [Source(key, key, None, o) for key, o in found.items()]
    return Listing(sources, None if prefix in found else prefix, tuple(gone))


def _from_folder(path: Path, store: ArtifactStore) -> list[Source]:
    folder = path if path.is_dir() else path.parent
    home = f"{IMAGES}/{folder.resolve().name}"
    stored = {found.key: found for found in store.walk(home)}
    files = sorted(_walk(path, store.local_path)) if path.is_dir() else [path]
    sources = []
    for file in files:
        key = f"{home}/{PurePosixPath(*file.relative_to(folder).parts)}"
        for character in store.unshown:
            key = key.replace(character, _readable(character))
        name = os.fsencode(file).decode("utf-8", "replace")
        sources.append(Source(name, key, file, stored.get(key)))
    return sources


def _readable(character: str) -> str:
    """What stands for a character that cannot be shown: its wide form, or its picture."""
    return chr(ord(character) + (0xFEE0 if character.isprintable() else 0x2400))


def _walk(folder: Path, store: Path | None) -> Iterator[Path]:
    """Image files below a folder; hidden ones, and those of the store itself, are left out."""
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if hidden or not is_image_name(file.name) or not file.is_file():
            continue
        if store is None or not file.resolve().is_relative_to(store):
            yield file
