"""Many objects of a bucket, read ahead of their turn: as many as fit into a bound in bytes."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from annolooop.storage.artifacts.prefetch import prefetch

T = TypeVar("T")
Asked = tuple[T, str | None]  # an item and its key, if it has to be read
Answer = tuple[T, bytes | KeyError | None]

READS = 64  # objects that are read at once
GROUP = 8  # of them in one thread: its event loop does so at once
ROOM = 256e6  # bytes for what was read ahead
GUESS = 8e6  # bytes of an object, before any was read


def prefetch_objects(
    read: Callable[[list[Asked[T]]], list[Answer[T]]],
    asked: Iterable[Asked[T]],
    size_of: Callable[[T], int | None],
) -> Iterator[Answer[T]]:
    """Answers in order; see :meth:`annolooop.storage.artifacts.store.ArtifactStore.get_each`.

    Args:
        read: answers a few, in a thread.
        asked: what to read.
        size_of: bytes of an item's object; ``None`` where only those that came tell.
    """
    guess = GUESS

    def weigh(pair: Asked[T]) -> float:
        known = size_of(pair[0])
        return 0.0 if pair[1] is None else guess if known is None else float(known)

    def weigh_all(group: list[Asked[T]]) -> float:
        return sum(map(weigh, group))

    for answers in prefetch(read, _groups(asked, weigh), READS // GROUP, weigh_all, ROOM):
        sizes = [len(data) for _, data in answers if isinstance(data, bytes)]
        if sizes:
            mean = sum(sizes) / len(sizes)
            guess = mean if guess == GUESS else (guess + mean) / 2
        yield from answers


def _groups(items: Iterable[T], weigh: Callable[[T], float]) -> Iterator[list[T]]:
    """A few of the items at a time, fewer where they are large."""
    group: list[T] = []
    weight = 0.0
    for item in items:
        group.append(item)
        weight += weigh(item)
        if len(group) == GROUP or weight >= ROOM * GROUP / READS:
            yield group
            group, weight = [], 0.0
    if group:
        yield group
