"""Which images of a dataset show the same picture, and whether people gave them the same labels."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import Disputed, resolve
from annolooop.errors import DataError
from annolooop.loop.labels.current import Labels, read_labels
from annolooop.loop.labels.split import EmbeddingRows
from annolooop.loop.rounds.next_step import LoopState
from annolooop.stack import Stack
from annolooop.storage.images import ImageCatalog


@dataclass(frozen=True)
class DuplicateImage:
    """One image of a group.

    Attributes:
        key: of the image.
        sha256: content hash.
        labels: that people gave it, under this key where the content has several; else ``None``.
        side: its part of the split, ``train`` or ``holdout``, where it is labelled.
    """

    key: str
    sha256: str
    labels: tuple[str, ...] | None
    side: str | None


@dataclass(frozen=True)
class DuplicateGroup:
    """Images that show the same picture.

    Attributes:
        kind: ``exact`` (the same bytes) or ``near``.
        images: by key.
        differ: people gave them different labels.
    """

    kind: str
    images: tuple[DuplicateImage, ...]
    differ: bool


@dataclass(frozen=True)
class DuplicatesReport:
    """What `dataset duplicates` found.

    Attributes:
        live, why_not_live, as_of: where labels are from, as for `dataset describe`.
        images: keys of the dataset.
        contents: of these, different ones.
        groups: those whose labels differ first, then by size; at most as many as were asked for.
        exact, near: how many there are of each kind.
        differing: of all, groups whose labels differ.
        straddling: of all, groups with labelled images in both parts of the split.
        model_version: whose backbone decides what is near.
        compared: contents that have an embedding by it.
        without_embedding: contents that have none.
        limit: distance of two embeddings of length 1 below which they are near.
        complete: no near pair was missed; with very many images some may be.
        own: it is the stack file's dataset.
        why_no_near: why near-duplicates were not looked for, if they were not.
    """

    dataset: str
    live: bool
    why_not_live: str
    as_of: str
    images: int
    contents: int
    groups: tuple[DuplicateGroup, ...]
    exact: int
    near: int
    differing: int
    straddling: int
    model_version: str | None
    compared: int
    without_embedding: int
    limit: float | None
    complete: bool
    why_no_near: str
    seconds: float
    own: bool = True

    @property
    def state(self) -> LoopState:
        """The loop, as far as it is known."""
        differing = "to correct labels: alike images have different ones"
        return LoopState(
            dataset=self.dataset,
            own=self.own,
            looked=bool(self.without_embedding or self.straddling),
            model=bool(self.model_version) or self.why_no_near == AS_ASKED,
            sent=not self.without_embedding,
            news=None if self.straddling else False,
            doubt=differing if self.differing else "",
        )


AS_ASKED = "as asked"  # why near-duplicates were not looked for
HASH_BYTES = 32  # of a content hash


@dataclass(frozen=True)
class _Near:
    """Near-duplicates among the contents of a dataset.

    Attributes:
        groups: content hashes of each group.
        compared: contents that have an embedding.
        limit, complete: as in the report.
        version: whose backbone decides.
        why_not: why there are none, if nobody looked.
    """

    groups: tuple[list[str], ...] = ()
    compared: int = 0
    limit: float | None = None
    complete: bool = True
    version: str | None = None
    why_not: str = ""


def duplicates(
    stack: Stack, name: str, near: bool, exact: bool, limit: int, offline: bool
) -> DuplicatesReport:
    """Find images with the same bytes, and images whose embeddings are nearly the same.

    Nothing is embedded: images without an embedding by the current version are only counted.

    Args:
        stack: the annotation loop.
        name: of the dataset.
        near, exact: which kinds to look for.
        limit: how many groups to list.
        offline: go by the last snapshot. So it is too if Label Studio does not answer.

    Raises:
        DataError: there is no such dataset; or only near ones are asked for, and there is no
            model that could find them.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    labels = read_labels(stack, name, offline)
    catalog = stack.catalog_of(name)
    contents = _contents(catalog)
    found = _near(stack, name, contents) if near else _Near(why_not=AS_ASKED)
    if near and not exact and found.why_not:
        raise DataError(
            f"near-duplicates of {name} cannot be found: {found.why_not}",
            "Type: annoloop train, then: annoloop infer --batch FOLDER",
        )
    copies = catalog.copies()
    members = [*found.groups]
    if exact:
        grouped = {sha256 for group in found.groups for sha256 in group}
        members += [[sha256] for sha256 in copies if sha256 not in grouped]
    groups = _groups(catalog, copies, members, labels)
    return DuplicatesReport(
        dataset=name,
        own=stack.owns(name),
        live=labels.live,
        why_not_live=labels.why_not,
        as_of=labels.snapshot.created_at,
        images=len(catalog),
        contents=len(contents),
        groups=tuple(groups[:limit]),
        exact=sum(group.kind == "exact" for group in groups),
        near=sum(group.kind == "near" for group in groups),
        differing=sum(group.differ for group in groups),
        straddling=sum(len({i.side for i in g.images if i.side}) > 1 for g in groups),
        model_version=found.version,
        compared=found.compared,
        without_embedding=len(contents) - found.compared if near else 0,
        limit=found.limit,
        complete=found.complete,
        why_no_near=found.why_not,
        seconds=round(time.monotonic() - begun, 3),
    )


def _contents(catalog: ImageCatalog) -> NDArray[np.bytes_]:
    """The hash of each content once, as 32 bytes, ascending."""
    packed = bytearray()
    for image in catalog.images():
        packed += bytes.fromhex(image.sha256)
    found: NDArray[np.bytes_] = np.unique(np.frombuffer(packed, f"S{HASH_BYTES}"))
    return found


def _near(stack: Stack, name: str, contents: NDArray[np.bytes_]) -> _Near:
    version = stack.registry_of(name).current()
    if version is None:
        return _Near(why_not="it has no model yet")
    from annolooop.model.judging.duplicates import near_groups

    embeddings = stack.embeddings(version.backbone)
    missing = embeddings.missing(map(_hex, contents))
    if missing:
        contents = contents[[_hex(content) not in missing for content in contents]]
    rows = EmbeddingRows(embeddings, len(contents), lambda row: _hex(contents[row]))
    near = near_groups(rows, seed=stack.config.train.seed)
    order = np.argsort(near.groups, kind="stable")
    starts = np.flatnonzero(np.diff(near.groups[order])) + 1
    parts = (part for part in np.split(order, starts) if len(part) > 1)
    groups = tuple([_hex(contents[row]) for row in part] for part in parts)
    return _Near(groups, len(contents), near.limit, near.exact, version.name)


def _hex(content: bytes) -> str:
    # numpy cuts zeros off the end
    return bytes(content).ljust(HASH_BYTES, b"\0").hex()


def _groups(
    catalog: ImageCatalog,
    copies: Mapping[str, list[str]],
    members: Iterable[list[str]],
    labels: Labels,
) -> list[DuplicateGroup]:
    """Groups of contents with all their keys and labels; those whose labels differ come first."""
    members = list(members)
    contents = {sha256 for group in members for sha256 in group}
    keys: dict[str, list[str]] = defaultdict(list)
    for image in catalog.images():
        if image.sha256 in contents:
            keys[image.sha256].append(image.key)
    examples = {example.sha256: example for example in labels.examples}
    answers = labels.answers()

    def images(sha256: str) -> Iterable[DuplicateImage]:
        example = examples.get(sha256)
        for key in keys[sha256]:
            own = example.labels if example else None
            if sha256 in copies:
                own = _of_key(labels, answers.get(sha256, []), key)
            yield DuplicateImage(key, sha256, own, example.split if example else None)

    groups = []
    for group in members:
        found = sorted((i for sha256 in group for i in images(sha256)), key=lambda i: i.key)
        kind = "exact" if len(group) == 1 else "near"
        differ = len({i.labels for i in found if i.labels is not None}) > 1
        groups.append(DuplicateGroup(kind, tuple(found), differ))
    return sorted(groups, key=lambda g: (not g.differ, -len(g.images), g.images[0].key))


def _of_key(labels: Labels, answers: Iterable[Annotation], key: str) -> tuple[str, ...] | None:
    """The labels of a content under one of its keys; ``None`` where they disagree."""
    try:
        own = (a for a in answers if a.key == key)
        return resolve(own, labels.rules.choice, labels.rules.agreement)
    except Disputed:
        return None
