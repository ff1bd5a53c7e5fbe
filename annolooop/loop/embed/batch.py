"""What `infer --batch` names: a folder on this machine, or a prefix of the store."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from annolooop.domain.picture_kinds import HEIC_HINT
from annolooop.domain.tasks import Image
from annolooop.errors import DataError, UsageError, did_you_mean
from annolooop.files.names import typed_path
from annolooop.loop.embed.sources import LocalFiles, Source, Sources, StoredFiles
from annolooop.storage.artifacts.prefixes import is_below, is_own
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject
from annolooop.storage.file_hashes import FileHashes
from annolooop.storage.images import HEIC_SUFFIXES, IMAGES, ImageCatalog, is_image_name, suffix_of

SUFFIXES_NAMED = 6  # of files that are passed over


@dataclass(frozen=True)
class Listing:
    """What a batch is.

    Attributes:
        sources: its image files, by key.
        folder: of the store, if it names one.
        vanished: keys of images of the dataset that should be in it, and are not in the store.
        unreadable: name -> reason of files and folders of this machine that are left out.
        passed_over: suffix -> how many files have it, and so are no images by their names.
    """

    sources: Sources
    folder: str | None = None
    vanished: Collection[str] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)


def list_batch(
    batch: str | None,
    store: ArtifactStore,
    catalog: ImageCatalog,
    hashes: FileHashes | None = None,
) -> Listing:
    """The image files of a batch.

    Args:
        batch: a folder or file on this machine, a prefix of the store (with or without
            ``images/``, or as an address), or ``None`` for every image of the dataset.
        store: the artifact store.
        catalog: the dataset's images.
        hashes: of files of this machine that were read before.

    Raises:
        UsageError: there is no such folder or prefix, or it cannot hold images.
        DataError: it holds no images, or may not be read.
    """
    if batch is None:
        return _whole(catalog)
    path = typed_path(batch)
    there = _exists(path)
    if not batch.strip() or (there and not path.resolve().name):
        raise UsageError(
            f"--batch {batch!r} names no folder of images", "Name one: --batch data/batch_1"
        )
    if not there:
        return _of_store(batch, store, catalog)
    if not path.is_dir() and not path.is_file():
        raise UsageError(
            f"--batch {batch} is a pipe, a device or the like, and no file",
            "Name a folder of images, or an image.",
        )
    prefix = _prefix_of(path.resolve(), store)
    if prefix:
        listing = _below(prefix, store, catalog)
    else:
        files = LocalFiles(path, store, catalog, hashes or FileHashes())
        listing = Listing(files, unreadable=files.unreadable, passed_over=files.passed_over)
    if not len(listing.sources):
        why = "".join(
            f"; {name}: {reason}" for name, reason in islice(listing.unreadable.items(), 1)
        )
        others = name_counts(listing.passed_over)
        raise DataError(
            f"--batch {batch}: no image files in it{' that can be read' if why else ''}{why}"
            + (f"; there are: {others}" if others else ""),
            f"{HEIC_HINT}, then type the same command again."
            if HEIC_SUFFIXES & listing.passed_over.keys()
            else "Name a folder with images.",
        )
    return listing


def _whole(catalog: ImageCatalog) -> Listing:
    if not len(catalog):
        raise DataError(
            "the dataset has no images yet",
            "Name a folder: annoloop infer --batch data/batch_1",
        )
    diff = catalog.listing_diff()
    sources = StoredFiles(diff, members=True)
    if not len(sources):
        raise DataError(
            f"all {len(catalog)} images of the dataset are gone from the store", "Put them back."
        )
    return Listing(sources, None, diff.missing())


def _of_store(batch: str, store: ArtifactStore, catalog: ImageCatalog) -> Listing:
    """A batch that is named by its place in the store, used where it is."""
    for prefix in _prefixes(batch, store):
        if is_own(prefix):
            raise UsageError(
                f"--batch {batch}: below {prefix.partition('/')[0]}/ of the store annoloop keeps "
                "things of its own, and no images",
                f"Name another folder below {store.url}",
            )
        listing = _below(prefix, store, catalog)
        if len(listing.sources):
            return listing
    where = store.url if store.local_path is None else f"{store.url}/{IMAGES}"
    raise UsageError(
        f"--batch {batch}: there is no such folder here, and no such prefix in the store"
        + did_you_mean(batch.rstrip("/"), _folders(batch, catalog)),
        f"Name an existing folder, or a folder below {where}",
    )


def _folders(batch: str, catalog: ImageCatalog) -> list[str]:
    """Folders that a batch may name: those beside it on this machine, and those of the dataset."""
    here, beside = typed_path(batch).parent, list[str]()
    with suppress(OSError, ValueError):
        beside += [str(p) for p in here.iterdir() if p.is_dir() and not p.name.startswith(".")]
    return [*beside, *(folder.removeprefix(f"{IMAGES}/") for folder in catalog.places())]


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
        path.stat()
    except PermissionError as error:
        raise DataError(
            f"--batch {path} cannot be read: {error.strerror}",
            "Check that this account may read it, and the folders above it.",
        ) from error
    except (OSError, ValueError):  # also a name that no file can have
        return False
    return True


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
    passed_over: Counter[str] = Counter()

    def images() -> Iterator[StoredObject]:
        for item in store.walk(prefix):
            if is_own(item.key):
                continue
            if is_image_name(item.key):
                yield item
            else:
                passed_over[suffix_of(item.key)] += 1

    diff = catalog.listing_diff(images())
    folder = None if prefix in diff else prefix
    return Listing(StoredFiles(diff), folder, diff.missing(prefix), passed_over=passed_over)


def name_counts(passed_over: Mapping[str, int]) -> str:
    """Numbers of files by their suffix, the most frequent first, in words."""
    most = sorted(passed_over.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{count} {suffix or 'without a suffix'}" for suffix, count in most[:SUFFIXES_NAMED]]
    rest = sum(count for _, count in most[SUFFIXES_NAMED:])
    return ", ".join([*named, f"{rest} others"] if rest else named)
