"""Several things at once, their results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ahead(work: Callable[[T], R], items: Iterable[T], at_once: int) -> Iterator[R]:
    """Results of ``work`` in the order of the items, while the next ones are worked on in threads.

    What fails ends it, when its turn comes; what has not begun by then is not begun any more.

    Args:
        work: is called in threads, unless ``at_once`` is 1.
        items: are taken in the caller's thread, at most ``at_once`` ahead of the results.
        at_once: how many are worked on, or wait with their result.
    """
    if at_once == 1:
        yield from map(work, items)
        return
    iterator = iter(items)
    pool = ThreadPoolExecutor(at_once)
    waiting: deque[Future[R]] = deque()
    try:
        waiting.extend(pool.submit(work, item) for item in islice(iterator, at_once))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(iterator, 1))
            yield done
    finally:
        pool.shutdown(cancel_futures=True)
