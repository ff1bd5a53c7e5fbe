"""Work on several items at once; the results come in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import inf
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def prefetch(
    work: Callable[[T], R],
    items: Iterable[T],
    at_once: int,
    weigh: Callable[[T], float] = lambda item: 0.0,
    most: float = inf,
) -> Iterator[R]:
    """Results of ``work`` in the order of the items, while threads work on the next ones.

    The first error ends it, when its turn comes; work that has not begun by then does not begin.

    Args:
        work: is called in threads, unless ``at_once`` is 1.
        items: are taken in the caller's thread, at most ``at_once`` ahead of the results.
        at_once: how many items are under way, or wait with their result.
        weigh: expected size of an item's result.
        most: sum of these sizes; one item is under way in any case.
    """
    if at_once == 1:
        yield from map(work, items)
        return
    waiting: deque[tuple[float, Future[R]]] = deque()
    iterator = iter(items)
    ready: list[T] = []  # the next item, once it was found to need more room than there is

    def begin(limit: int) -> None:
        held = sum(weight for weight, _ in waiting)
        while len(waiting) < limit:
            item = ready.pop() if ready else next(iterator, ended)
            if isinstance(item, _Ended):
                return
            weight = weigh(item)
            if waiting and held + weight > most:
                ready.append(item)
                return
            held += weight
            waiting.append((weight, pool.submit(work, item)))

    ended = _Ended()
    pool = ThreadPoolExecutor(at_once)
    try:
        begin(at_once)
        while waiting:
            _, future = waiting.popleft()
            done = future.result()
            begin(min(at_once, len(waiting) + 1))
            yield done
            begin(at_once)  # in more room than there was at first
    finally:
        pool.shutdown(cancel_futures=True)


class _Ended:
    """There are no more items."""
