"""Work that goes on behind its giver: one thing after another, in a thread of its own."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from threading import Event
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 0.5  # seconds after which a wait looks whether Ctrl-C was pressed
GRACE = 5.0  # seconds that work which has begun is given after Ctrl-C


class Stopped(Exception):
    """Work ends early, since its giver has failed; nobody is told."""


class Behind(Generic[T]):
    """Works on what it is given, in order, while the giver goes on; a context manager.

    What fails is raised to the giver, at the next turn, and nothing is worked on after it. The
    context ends when all is done; where its block fails, what has not begun is not begun any more,
    and what has begun is waited for; after Ctrl-C only for `GRACE` seconds, as a server may hang.

    Args:
        work: is called in the thread.
        ahead: how many wait or are worked on before the giver has to wait.
        stop: is set when the giver fails or is interrupted: what is in work may end early.
    """

    def __init__(
        self, work: Callable[[T], None], ahead: int = 2, stop: Event | None = None
    ) -> None:
        self._work = work
        self._ahead = ahead
        self._pool = ThreadPoolExecutor(1)
        self._given: deque[Future[None]] = deque()
        self._failed = False
        self.stop = stop or Event()

    def __enter__(self) -> "Behind[T]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error:
                self.stop.set()
            while not error and self._given:
                self._await_first()
        except BaseException as failure:
            error = failure
            self.stop.set()
            raise
        finally:
            hurried = isinstance(error, KeyboardInterrupt)
            self._pool.shutdown(wait=not hurried, cancel_futures=True)
            if hurried:
                wait(self._given, GRACE)

    def give(self, item: T) -> None:
        """Hand over; waits while enough is waiting."""
        while self._given and (len(self._given) >= self._ahead or self._given[0].done()):
            self._await_first()
        self._given.append(self._pool.submit(self._do, item))

    def _await_first(self) -> None:
        _wait(self._given[0])
        self._given.popleft()  # not before: whoever is interrupted still waits for it a little

    def _do(self, item: T) -> None:
        if self._failed:
            return
        try:
            self._work(item)
        except BaseException:
            self._failed = True
            raise


def _wait(given: "Future[None]") -> None:
    while True:
        try:
            return given.result(PATIENCE)
        except NotYet:
            if given.done():  # it was the work itself that was late for something
                raise
