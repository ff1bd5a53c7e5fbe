"""What is kept to save time: the embeddings of the store, their copies, the rest of the cache."""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from annolooop.domain.progress import PENDING
from annolooop.domain.versions import BackboneInfo
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import EMBEDDINGS, MODELS
from annolooop.storage.embeddings.embeddings import Embeddings, embedding_set_of
from annolooop.storage.embeddings.sets import (
    EmbeddingSet,
    delete_objects,
    find_embedding_sets,
    superseded,
)
from annolooop.storage.embeddings.shards import is_part


@dataclass(frozen=True)
class CacheSpace:
    """The embeddings of one backbone and transform.

    Attributes:
        space: name of its folder.
        backbone: torchvision's name of the network.
        transform: what its input goes through; ``None`` if no model version has it.
        images: embeddings in the store by precision class.
        bytes: of all its objects in the store.
        used_by: dataset and name of the model versions that compute with it.
        copies: files of local copies.
        copied_bytes: of these.
    """

    space: str
    backbone: str
    transform: str | None
    images: dict[str, int]
    bytes: int
    used_by: tuple[str, ...]
    copies: int
    copied_bytes: int


@dataclass(frozen=True)
class CachePart:
    """One folder of the cache."""

    name: str
    about: str
    files: int
    bytes: int


@dataclass(frozen=True)
class CacheReport:
    """What `cache info` shows."""

    store: str
    folder: str
    spaces: tuple[CacheSpace, ...]
    parts: tuple[CachePart, ...]


@dataclass(frozen=True)
class CachePruneReport:
    """What `cache prune` deleted, or would delete: see ``applied``.

    Attributes:
        store: address of the store.
        folder: of the local copies.
        copies: files of local copies.
        copied_bytes: of these.
        spaces: of the store that go as a whole.
        objects: of the store, those of such spaces too.
        bytes: of these.
        applied: they are gone.
    """

    store: str
    folder: str
    copies: int
    copied_bytes: int
    spaces: tuple[str, ...]
    objects: int
    bytes: int
    applied: bool

    @property
    def pending(self) -> bool:
        """There is something to delete."""
        return not self.applied and bool(self.copies or self.objects)

    @property
    def exit_code(self) -> int:
        """PENDING if something would be deleted."""
        return PENDING if self.pending else 0


DAY = 86_400.0

ABOUT = {
    "backbones": "copies of backbones from a bucket",
    "embeddings": "copies of embeddings from a bucket",
    "file-hashes.sqlite": "content hashes of local files, and which of them are no images",
    "finetune": "checkpoints of fine-tuning that has not ended",
    "label-studio": "Label Studio's own environments",
    "ledgers": "task indexes: the tasks that Label Studio has",
    "logs": "logs of the local Label Studio",
    "manifests": "copies of catalogues: the images of datasets",
    "simulate": "embeddings of folders that were replayed",
    "thumbnails": "small pictures of the contact sheet",
    "weights": "copies of pretrained weights",
}


def info(stack: Stack) -> CacheReport:
    """What there is, in the store and in the cache folder.

    Raises:
        UnreachableError: the store does not answer.
    """
    used, copies = _used(stack), _copies(stack)
    by_name = {space.name: space for space in find_embedding_sets(stack.store)}
    rows = []
    for name in sorted(by_name.keys() | copies.keys()):
        space, users = by_name.get(name, EmbeddingSet(name, (), (), {})), used.get(name)
        rows.append(
            CacheSpace(
                space=name,
                backbone=users.info.name if users else name.rpartition("-")[0],
                transform=users.info.transform if users else None,
                images=space.images(),
                bytes=sum(space.sizes.values()),
                used_by=tuple(users.names) if users else (),
                copies=sum(len(copy.files) for copy in copies.get(name, ())),
                copied_bytes=sum(copy.bytes for copy in copies.get(name, ())),
            )
        )
    return CacheReport(stack.store.url, str(stack.cache), tuple(rows), tuple(_parts(stack.cache)))


def prune(stack: Stack, older_than: float, in_store: bool, apply: bool) -> CachePruneReport:
    """Delete copies of embeddings and, where asked, embeddings of the store that nobody needs.

    What any model version of any dataset computes with stays in the store, each image once.

    Args:
        stack: the annotation loop.
        older_than: days for which a copy must not have been used.
        in_store: also delete from the store.
        apply: delete; without it, only look.

    Raises:
        DataError: a record of a model version is damaged, so that nobody knows what it uses.
        UnreachableError: the store does not answer.
    """
    before = time.time() - older_than * DAY
    stale = [c for copies in _copies(stack).values() for c in copies if c.used_at <= before]
    doomed = _doomed(stack) if in_store else []
    if apply:
        for space, names in doomed:
            if len(names) == len(space.sizes):
                stack.store.delete_below(f"{EMBEDDINGS}/{space.name}")
            else:
                delete_objects(stack.store, space, names)
        for copy in stale:
            copy.delete()
    return CachePruneReport(
        store=stack.store.url,
        folder=str(stack.embedding_copies),
        copies=sum(len(copy.files) for copy in stale),
        copied_bytes=sum(copy.bytes for copy in stale),
        spaces=tuple(space.name for space, names in doomed if len(names) == len(space.sizes)),
        objects=sum(len(names) for _, names in doomed),
        bytes=sum(space.sizes[name] for space, names in doomed for name in names),
        applied=apply,
    )


@dataclass(frozen=True)
class _Users:
    """The model versions that compute with a space."""

    info: BackboneInfo
    names: list[str]


def _used(stack: Stack) -> dict[str, _Users]:
    """Space -> versions that predict with it, or whose successors learn with it."""
    used: dict[str, _Users] = {}
    for dataset in sorted({item.key.split("/")[1] for item in stack.store.walk(MODELS)}):
        for version in stack.registry_of(dataset).versions():
            tuned = version.backbone
            pretrained = replace(tuned, fingerprint=tuned.base or tuned.fingerprint)
            for space in {embedding_set_of(tuned), embedding_set_of(pretrained)}:
                users = used.setdefault(space, _Users(tuned, []))
                users.names.append(f"{dataset} {version.name}")
    return used


def _doomed(stack: Stack) -> list[tuple[EmbeddingSet, list[str]]]:
    """Names of objects of the store that nobody needs, by space."""
    used = _used(stack)
    doomed = []
    for space in find_embedding_sets(stack.store):
        if space.name in used:
            embeddings = Embeddings(stack.store, space.name, stack.embedding_copies)
            spare = superseded(space, embeddings)
            names = {name for shard in spare for name in (shard.file, shard.index)}
            names = (names | set(space.parts)) & space.sizes.keys()
        else:
            names = set(filter(is_part, space.sizes))
        if names:
            doomed.append((space, sorted(names)))
    return doomed


@dataclass(frozen=True)
class _Copy:
    """The local copy of a shard, with its index.

    Attributes:
        files: of it.
        bytes: of all of them.
        used_at: when it was last used, to a day, in seconds since the epoch.
    """

    files: tuple[Path, ...]
    bytes: int
    used_at: float

    def delete(self) -> None:
        """Remove it, and its folder if that was all."""
        for file in self.files:
            file.unlink(missing_ok=True)
        folder = self.files[0].parent
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _copies(stack: Stack) -> dict[str, list[_Copy]]:
    """Local copies by space."""
    by_name: dict[str, list[_Copy]] = {}
    if not stack.embedding_copies.is_dir():
        return by_name
    for folder in sorted(stack.embedding_copies.iterdir()):
        files: dict[str, list[Path]] = defaultdict(list)
        for file in folder.glob("*") if folder.is_dir() and not folder.is_symlink() else ():
            if is_part(file.name) and not file.is_symlink():  # others are somebody's
                files[file.stem].append(file)
        stats_of_groups = ((group, [file.stat() for file in group]) for group in files.values())
        by_name[folder.name] = [
            _Copy(tuple(group), sum(s.st_size for s in stats), max(s.st_mtime for s in stats))
            for group, stats in stats_of_groups
        ]
    return by_name


def _parts(cache: Path) -> Iterator[CachePart]:
    """The folders of the cache, by name."""
    for entry in sorted(cache.iterdir()) if cache.is_dir() else ():
        sizes = list(_sizes(entry))
        yield CachePart(entry.name, ABOUT.get(entry.name, ""), len(sizes), sum(sizes))


def _sizes(entry: Path) -> Iterator[int]:
    """Bytes of each file in a folder, or of a file."""
    if not entry.is_dir():
        yield entry.lstat().st_size
    for folder, _, names in os.walk(entry):
        for name in names:
            try:
                yield (Path(folder) / name).lstat().st_size
            except FileNotFoundError:  # it was removed just now
                continue
