"""Many objects of a bucket, read ahead of their turn: as many as fit into a bound in bytes."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from annolooop.storage.artifacts.prefetch import prefetch

T = TypeVar("T")
Question = tuple[T, str | None]  # an item and its key, if it has to be read
Answer = tuple[T, bytes | KeyError | None]

READS_AT_ONCE = 64
READS_PER_THREAD = 8  # its event loop does them at once
BYTES_AHEAD = 256e6  # of objects that were read ahead
GUESSED_BYTES = 8e6  # of an object, before any was read


def prefetch_objects(
    read: Callable[[list[Question[T]]], list[Answer[T]]],
    asked: Iterable[Question[T]],
    size_of: Callable[[T], int | None],
) -> Iterator[Answer[T]]:
    """Answers in order; see :meth:`annolooop.storage.artifacts.store.ArtifactStore.get_each`.

    Args:
        read: answers a few, in a thread.
        asked: what to read.
        size_of: bytes of an item's object; ``None`` where they have to be estimated.
    """
    guess = GUESSED_BYTES

    def weigh(pair: Question[T]) -> float:
        known = size_of(pair[0])
        return 0.0 if pair[1] is None else guess if known is None else float(known)

    def weigh_all(group: list[Question[T]]) -> float:
        return sum(map(weigh, group))

    groups = _groups(asked, weigh)
    threads = READS_AT_ONCE // READS_PER_THREAD
    for answers in prefetch(read, groups, threads, weigh_all, BYTES_AHEAD):
        sizes = [len(data) for _, data in answers if isinstance(data, bytes)]
        if sizes:
            mean = sum(sizes) / len(sizes)
            guess = mean if guess == GUESSED_BYTES else (guess + mean) / 2
        yield from answers


def _groups(items: Iterable[T], weigh: Callable[[T], float]) -> Iterator[list[T]]:
    """A few of the items at a time, fewer where they are large."""
    group: list[T] = []
    weight = 0.0
    most = BYTES_AHEAD * READS_PER_THREAD / READS_AT_ONCE
    for item in items:
        group.append(item)
        weight += weigh(item)
        if len(group) == READS_PER_THREAD or weight >= most:
            yield group
            group, weight = [], 0.0
    if group:
        yield group
