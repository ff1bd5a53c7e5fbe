"""Near-duplicates are on one side of the split, and what was on a side stays there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from annolooop.domain.annotations import Annotation
from annolooop.domain.examples import Example, build_examples
from annolooop.domain.versions import ModelVersion
from annolooop.stack import Stack
from annolooop.storage.split import Sides

if TYPE_CHECKING:
    from annolooop.model.numeric import Indices
    from annolooop.storage.embeddings.embeddings import Embeddings, Vector


def sides_of(stack: Stack, name: str, holdout: float) -> dict[str, str]:
    """Content hash -> side, of images of a dataset whose side is recorded for this share.

    For :func:`annolooop.domain.split.side_of`.
    """
    return Sides(stack.store, name).read(holdout)


def examples_of(
    stack: Stack,
    name: str,
    annotations: Iterable[Annotation],
    choice: str,
    agreement: str,
    holdout: float,
) -> tuple[list[Example], dict[str, str]]:
    """What :func:`build_examples` makes of a dataset, each example on the side that is recorded."""
    sides = sides_of(stack, name, holdout)
    return build_examples(annotations, choice, agreement, holdout, sides)


def learnt_by(stack: Stack, version: ModelVersion) -> list[Example]:
    """What a version learnt from, with the labels of then; nothing of the holdout of then.

    Raises:
        DataError: its snapshot is gone, or damaged.
    """
    if not version.snapshot:
        return []
    config, dataset = version.config, version.dataset
    examples, _ = examples_of(
        stack,
        dataset,
        stack.snapshots_of(dataset).read(version.snapshot).annotations,
        version.choice,
        config.get("agreement", stack.config.dataset.agreement),
        config.get("holdout", stack.config.train.holdout),
    )
    known = set(version.labels)
    return [e for e in examples if e.split == "train" and set(e.labels) <= known]


def unlearnt(
    stack: Stack, version: ModelVersion, held: Sequence[Example], holdout: float
) -> list[Example]:
    """Images of the holdout that may judge a version: not those that it learnt from.

    It learnt from some of them where ``train.holdout`` was another share when it was made.

    Args:
        stack: the annotation loop.
        version: to be judged.
        held: images of the holdout of now.
        holdout: its share.

    Raises:
        DataError: the version's snapshot is gone, or damaged.
    """
    if version.config.get("holdout", holdout) == holdout:
        return list(held)
    learnt = {example.sha256 for example in learnt_by(stack, version)}
    return [example for example in held if example.sha256 not in learnt]


@dataclass(frozen=True)
class Settled:
    """Examples of which no two near-duplicates are on different sides.

    Attributes:
        examples: in the order given, on the sides where they are now.
        left_out: content hash -> reason, of those that stay on the side of training although a
            near-duplicate stays in the holdout: nothing is learnt from them.
        moved: how many changed side just now, for good.
    """

    examples: tuple[Example, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    moved: int = 0


class KeptRows:
    """Rows of a space for :func:`near_groups`, read when asked for.

    Args:
        embeddings: the space.
        count: of images.
        hash_of: number of an image -> its content hash.
    """

    def __init__(self, embeddings: Embeddings, count: int, hash_of: Callable[[int], str]) -> None:
        self._embeddings, self._count, self._hash_of = embeddings, count, hash_of

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, indices: Indices) -> Vector:
        return self._embeddings.matrix(map(self._hash_of, indices.tolist()))


def settle(stack: Stack, examples: Sequence[Example], embeddings: Embeddings) -> Settled:
    """Bring near-duplicates to one side of the split, and record where they are from then on.

    Images that a version learnt from or was judged by stay where they are, and so do those whose
    side is recorded: so no version is judged by what it knows. The others of a group come to
    their side, or, where there are none of them, all come to the side of one of the group.

    Args:
        stack: the annotation loop.
        examples: labelled images.
        embeddings: a space that has all of them.

    Raises:
        DataError: an embedding is damaged, or a recorded side.
    """
    dataset, holdout = stack.config.dataset.name, stack.config.train.holdout
    if len({example.split for example in examples}) < 2:
        return Settled(tuple(examples))
    groups = straddling(near(examples, embeddings, stack.config.train.seed))
    if not groups:
        return Settled(tuple(examples))
    sides = Sides(stack.store, dataset)
    recorded = sides.read(holdout)
    groups = straddling(_on_sides(group, recorded) for group in groups)
    sides.record(holdout, decide(groups, _known(stack) | recorded.keys(), examples))
    # Someone else may have decided just before: what the store says counts.
    recorded = sides.read(holdout)
    groups = [_on_sides(group, recorded) for group in groups]
    left_out = {sha256: why for group in straddling(groups) for sha256, why in _leaking(group)}
    now = _on_sides(examples, recorded)
    moved = sum(a.split != b.split for a, b in zip(examples, now, strict=True))
    return Settled(tuple(e for e in now if e.sha256 not in left_out), left_out, moved)


def near(examples: Sequence[Example], embeddings: Embeddings, seed: int) -> list[list[Example]]:
    """Groups of two or more near-duplicates."""
    from annolooop.model.judging.duplicates import near_groups

    rows = KeptRows(embeddings, len(examples), lambda place: examples[place].sha256)
    groups: dict[int, list[Example]] = defaultdict(list)
    for group, example in zip(near_groups(rows, seed=seed).groups.tolist(), examples, strict=True):
        groups[group].append(example)
    return [group for group in groups.values() if len(group) > 1]


def straddling(groups: Iterable[list[Example]]) -> list[list[Example]]:
    """Groups that have images on both sides."""
    return [group for group in groups if len({example.split for example in group}) > 1]


def decide(
    groups: Iterable[Sequence[Example]], known: Container[str], examples: Iterable[Example]
) -> dict[str, str]:
    """Content hash -> side, of images that have to move for their group to be on one side.

    Where nobody of a group is known, all come to the side of the one whose hash ends lowest (the
    beginning of a hash decides its side, so whatever is chosen by that would favour one), but
    never to the holdout if nothing were left to learn one of their labels from. Where those that
    are known are on both sides, nobody moves.

    Args:
        groups: that straddle.
        known: content hashes of images that stay where they are.
        examples: all of them.
    """
    left = Counter(label for e in examples if e.split == "train" for label in e.labels)
    moves: dict[str, str] = {}
    for group in groups:
        taken = Counter(label for e in group if e.split == "train" for label in e.labels)
        staying = {example.split for example in group if example.sha256 in known}
        if len(staying) > 1:
            continue
        side = min(group, key=lambda e: e.sha256[::-1]).split
        if any(taken[label] == left[label] for label in taken):
            side = "train"
        (side,) = staying or {side}
        if side == "holdout":
            left -= taken
        moves |= {e.sha256: side for e in group if e.split != side}
    return moves


def _known(stack: Stack) -> set[str]:
    """Contents that the last version with this share of holdout learnt from, or was judged by."""
    dataset, holdout = stack.config.dataset, stack.config.train.holdout
    versions = [v for v in stack.registry.versions() if v.config.get("holdout") == holdout]
    last = max((version.snapshot for version in versions), default=0)
    if not last:
        return set()
    said = stack.snapshots.read(last).annotations
    examples, _ = build_examples(said, dataset.choice, dataset.agreement, holdout)
    return {example.sha256 for example in examples}


def _on_sides(examples: Iterable[Example], sides: Mapping[str, str]) -> list[Example]:
    return [replace(e, split=sides.get(e.sha256, e.split)) for e in examples]


def _leaking(group: Iterable[Example]) -> list[tuple[str, str]]:
    held = min(example.key for example in group if example.split == "holdout")
    why = f"it is a near-duplicate of {held}, which is in the holdout"
    return [(example.sha256, why) for example in group if example.split == "train"]
