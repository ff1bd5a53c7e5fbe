"""Near-duplicates belong on one part of the split: rules about groups of examples."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace

from annolooop.domain.examples import Example


def crossing(groups: Iterable[list[Example]]) -> list[list[Example]]:
    """Groups that cross the split: they have images in both parts."""
    return [group for group in groups if len({example.split for example in group}) > 1]


def assign(
    groups: Iterable[Sequence[Example]], known: Container[str], examples: Iterable[Example]
) -> dict[str, str]:
    """Content hash -> part, of images that have to move for their group to be in one part.

    Where no image of a group is known, all come to the part of the one whose hash ends lowest (the
    beginning of a hash decides its part, so whatever is chosen by that would favour one), but
    never to the holdout if no image were left to train one of their labels on. Where those that
    are known are in both parts, none moves.

    Args:
        groups: that cross the split.
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
        part = min(group, key=lambda e: e.sha256[::-1]).split
        if any(taken[label] == left[label] for label in taken):
            part = "train"
        (part,) = staying or {part}
        if part == "holdout":
            left -= taken
        moves |= {e.sha256: part for e in group if e.split != part}
    return moves


def leaking(group: Iterable[Example]) -> dict[str, str]:
    """Content hash -> reason, of images of the training set in a group that crosses the split.

    A model that is trained on them would know the answers of the holdout.
    """
    held = min(example.key for example in group if example.split == "holdout")
    why = f"it is a near-duplicate of {held}, which is in the holdout"
    return {example.sha256: why for example in group if example.split == "train"}


def with_recorded(examples: Iterable[Example], recorded: Mapping[str, str]) -> list[Example]:
    """The examples, each in the part that is recorded for it."""
    return [replace(e, split=recorded.get(e.sha256, e.split)) for e in examples]
