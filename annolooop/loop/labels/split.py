"""Near-duplicates are in one part of the split, and what was in a part stays there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annolooop.domain.examples import Example, Rules, build_examples
from annolooop.domain.near_duplicates import assign, crossing, leaking, with_recorded
from annolooop.domain.versions import ModelVersion
from annolooop.loop.labels.recorded_split import RecordedSplit
from annolooop.stack import Stack

if TYPE_CHECKING:
    from annolooop.model.numeric import Indices
    from annolooop.storage.embeddings.embeddings import Embeddings, Vector


def recorded_split(stack: Stack, name: str, holdout: float) -> dict[str, str]:
    """Content hash -> part of the split, of images of a dataset that is recorded for this share."""
    return RecordedSplit(stack.store, name).read(holdout)


def rules_of_stack(stack: Stack) -> Rules:
    """How the annotations of the stack's dataset become labels."""
    own, holdout = stack.config.dataset, stack.config.train.holdout
    recorded = recorded_split(stack, own.name, holdout)
    return Rules(own.labels, own.choice, own.agreement, holdout, recorded, own.other_answers)


def rules_of_version(stack: Stack, version: ModelVersion) -> Rules:
    """How annotations became labels when a version was made."""
    agreement = version.config.get("agreement", stack.config.dataset.agreement)
    holdout = version.config.get("holdout", stack.config.train.holdout)
    recorded = recorded_split(stack, version.dataset, holdout)
    return Rules(version.labels, version.choice, agreement, holdout, recorded)


def trained_on(stack: Stack, version: ModelVersion) -> list[Example]:
    """What a version was trained on, with the labels of that time; nothing of its holdout.

    Raises:
        DataError: its snapshot is gone, or damaged.
    """
    if not version.snapshot:
        return []
    snapshot = stack.snapshots_of(version.dataset).read(version.snapshot)
    found = build_examples(snapshot.annotations, rules_of_version(stack, version))
    return [example for example in found.examples if example.split == "train"]


def not_trained_on(
    stack: Stack, version: ModelVersion, held: Sequence[Example], holdout: float
) -> list[Example]:
    """Images of the holdout that may judge a version: those that it was not trained on.

    It was trained on some of them where ``train.holdout`` was another share when it was made.

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
    trained = {example.sha256 for example in trained_on(stack, version)}
    return [example for example in held if example.sha256 not in trained]


@dataclass(frozen=True)
class Assigned:
    """Examples of which no two near-duplicates are in different parts of the split.

    Attributes:
        examples: in their order, each in the part where it is now.
        left_out: content hash -> reason, of those that stay in the training set although a
            near-duplicate stays in the holdout: no model is trained on them.
        moved: how many changed their part just now, for good.
    """

    examples: tuple[Example, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    moved: int = 0


class EmbeddingRows:
    """Rows of a set of embeddings for :func:`near_groups`, read when asked for.

    Args:
        embeddings: the set.
        count: of images.
        hash_of: number of an image -> its content hash.
    """

    def __init__(self, embeddings: Embeddings, count: int, hash_of: Callable[[int], str]) -> None:
        self._embeddings, self._count, self._hash_of = embeddings, count, hash_of

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, indices: Indices) -> Vector:
        return self._embeddings.matrix(map(self._hash_of, indices.tolist()))


def assign_split(stack: Stack, examples: Sequence[Example], embeddings: Embeddings) -> Assigned:
    """Bring near-duplicates to one part of the split, and record where they are from then on.

    Images that a version was trained on or judged by stay where they are, and so do those whose
    part is recorded: so no version is judged by what it knows. The others of a group come to
    their part, or, where there are none of them, all come to the part of one of the group.

    Args:
        stack: the annotation loop.
        examples: labelled images.
        embeddings: a set that has all of them.

    Raises:
        DataError: an embedding is damaged, or a recorded part.
    """
    dataset, holdout = stack.config.dataset.name, stack.config.train.holdout
    if len({example.split for example in examples}) < 2:
        return Assigned(tuple(examples))
    groups = crossing(near(examples, embeddings, stack.config.train.seed))
    if not groups:
        return Assigned(tuple(examples))
    split = RecordedSplit(stack.store, dataset)
    recorded = split.read(holdout)
    groups = crossing(with_recorded(group, recorded) for group in groups)
    split.record(holdout, assign(groups, _known(stack) | recorded.keys(), examples))
    # Someone else may have decided just before: what the store says counts.
    recorded = split.read(holdout)
    left_out: dict[str, str] = {}
    for group in crossing(with_recorded(group, recorded) for group in groups):
        left_out |= leaking(group)
    now = with_recorded(examples, recorded)
    moved = sum(a.split != b.split for a, b in zip(examples, now, strict=True))
    return Assigned(tuple(e for e in now if e.sha256 not in left_out), left_out, moved)


def near(examples: Sequence[Example], embeddings: Embeddings, seed: int) -> list[list[Example]]:
    """Groups of two or more near-duplicates."""
    from annolooop.model.judging.duplicates import near_groups

    rows = EmbeddingRows(embeddings, len(examples), lambda place: examples[place].sha256)
    groups: dict[int, list[Example]] = defaultdict(list)
    for group, example in zip(near_groups(rows, seed=seed).groups.tolist(), examples, strict=True):
        groups[group].append(example)
    return [group for group in groups.values() if len(group) > 1]


def _known(stack: Stack) -> set[str]:
    """Contents that the last version with this share of holdout was trained on, or judged by."""
    holdout = stack.config.train.holdout
    versions = [v for v in stack.registry.versions() if v.config.get("holdout") == holdout]
    last = max((version.snapshot for version in versions), default=0)
    if not last:
        return set()
    found = build_examples(stack.snapshots.read(last).annotations, rules_of_stack(stack))
    return {example.sha256 for example in found.examples}
