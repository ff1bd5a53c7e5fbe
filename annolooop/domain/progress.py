"""The nouns of the loop: frozen records, standard library only."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Passes items through while it shows how far a stage is."""

    def __call__(self, items: Iterable[T], stage: str, total: int | None = None) -> Iterator[T]: ...


def untracked(items: Iterable[T], stage: str, total: int | None = None) -> Iterator[T]:
    """A :class:`Track` that shows nothing."""
    return iter(items)


class Progress:
    """Shows how many things are done, for work that is not a loop over them.

    Args:
        track: shows it.
        stage: its name.
        total: number of the things.
    """

    def __init__(self, track: Track, stage: str, total: int) -> None:
        self._items = track(range(total), stage, total)

    def advance(self, count: int) -> None:
        """So many more are done."""
        deque(islice(self._items, count), maxlen=0)

    def end(self) -> None:
        """The rest is done, too."""
        deque(self._items, maxlen=0)


FIRST = 5  # objects that are named before the rest is only counted


PENDING = 2  # exit code of a dry run that found work to do


def left_out(reasons: Iterable[tuple[str, str]]) -> tuple[dict[str, str], ...]:
    """What could not be used, and why: rows of ``file`` and ``reason``."""
    return tuple({"file": file, "reason": reason} for file, reason in reasons)


@dataclass(frozen=True)
class Objects:
    """Objects of the store: how many, and the keys of the first ones."""

    count: int = 0
    first: tuple[str, ...] = ()


def some(keys: Collection[str]) -> Objects:
    """How many there are, and the first ones."""
    return Objects(len(keys), tuple(islice(keys, FIRST)))
