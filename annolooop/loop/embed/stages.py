"""A bounded pipeline: named stages, each in a thread of its own, and a flag that stops them."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Any

from annolooop.errors import Stopped

WAITING = 1  # items that wait before a stage, beside the one that it works on
SECONDS_BETWEEN_LOOKS = 0.5  # after which a wait looks whether the pipeline was stopped
STARTS = 3  # of a thread, at most
SECONDS_AFTER_INTERRUPT = 5.0  # that work which has begun gets after Ctrl-C


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: of its thread.
        work: takes the items one by one as they come, and yields what the next stage takes; the
            last stage need not yield anything.
    """

    name: str
    work: Callable[[Iterator[Any]], Iterable[Any] | None]


class Stages:
    """Passes items through stages that all work at the same time; a context manager.

    Every stage takes the items in their order. A stage that is slower than the one before it makes
    that one wait, and so on up to whoever puts items in: so memory is bounded.

    What a stage raises stops all of them, and is raised to whoever puts in the next item, or at the
    end of the context. The context ends when all is done. Where its block fails, waiting items are
    dropped, and work that has begun is waited for; after Ctrl-C only for
    ``SECONDS_AFTER_INTERRUPT``, as a server may hang.

    Args:
        stages: from the first to the last.
        stop: the flag; it is set when a stage or the block fails, or after Ctrl-C. Work that takes
            long looks at it, and raises :class:`Stopped`.
    """

    def __init__(self, stages: Iterable[Stage], stop: Event | None = None) -> None:
        self.stop = stop or Event()
        self._changed = Condition()
        self._failure: BaseException | None = None
        self._stages = list(stages)
        self._queues: list[deque[Any]] = [deque() for _ in self._stages]
        self._complete = [False] * len(self._stages)  # nothing more comes into this queue
        self._begun = [False] * len(self._stages)
        self._ended = [False] * len(self._stages)
        self._threads: list[Thread] = []

    def __enter__(self) -> "Stages":
        try:
            for number in range(len(self._stages)):
                self._threads.append(self._start(number))
        except BaseException as error:
            self._stop(error)
            raise
        return self

    def _start(self, number: int) -> Thread:
        """The thread of one stage, which has begun.

        One may end before that: what follows all threads, such as a measure of coverage, may fail
        in it. Then another one takes its place.
        """
        name = self._stages[number].name
        for _ in range(STARTS):
            thread = Thread(target=self._run, args=(number,), name=name, daemon=True)
            thread.start()
            with self._changed:
                while not self._begun[number] and thread.is_alive():
                    self._changed.wait(SECONDS_BETWEEN_LOOKS)
                if self._begun[number]:
                    return thread
        raise RuntimeError(f"the thread of the stage {name} does not begin")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            try:
                self._end(0)
                self._join()
            except BaseException as interrupt:
                error = interrupt
                raise
            finally:
                if error:
                    self._stop(error)
            self._check()
        else:
            self._stop(error)

    def put(self, item: Any) -> None:
        """Hand an item to the first stage; waits while that is busy and others wait before it.

        Raises:
            Stopped: the flag was set.
            Exception: what a stage raised.
        """
        self._put(0, item)

    def _run(self, number: int) -> None:
        """The thread of one stage."""
        with self._changed:
            self._begun[number] = True
            self._changed.notify_all()
        try:
            for item in self._stages[number].work(self._take(number)) or ():
                if number + 1 < len(self._stages):
                    self._put(number + 1, item)
            self._end(number + 1)
        except BaseException as error:
            with self._changed:
                if not self.stop.is_set():  # what fails after that fails because of it
                    self._failure = error
                    self.stop.set()
        finally:
            with self._changed:
                self._ended[number] = True
                self._changed.notify_all()

    def _take(self, number: int) -> Iterator[Any]:
        queue = self._queues[number]
        while True:
            with self._changed:
                self._await(lambda: bool(queue) or self._complete[number])
                if not queue:
                    return
                item = queue.popleft()
                self._changed.notify_all()
            yield item

    def _put(self, number: int, item: Any) -> None:
        queue = self._queues[number]
        with self._changed:
            self._await(lambda: len(queue) < WAITING)
            queue.append(item)
            self._changed.notify_all()

    def _end(self, number: int) -> None:
        """Let a stage know that nothing more comes."""
        with self._changed:
            if number < len(self._stages):
                self._complete[number] = True
            self._changed.notify_all()

    def _await(self, ready: Callable[[], bool]) -> None:
        self._check()
        while not ready():
            self._changed.wait(SECONDS_BETWEEN_LOOKS)
            self._check()

    def _check(self) -> None:
        if self._failure:
            raise self._failure
        if self.stop.is_set():
            raise Stopped
        for number, thread in enumerate(self._threads):
            if not thread.is_alive() and not self._ended[number]:
                raise RuntimeError(f"the thread of the stage {thread.name} is gone")

    def _join(self, seconds: float = inf) -> None:
        """Wait until all stages have ended.

        Not by `Thread.join`: interrupted, that takes the thread for ended, before Python 3.13.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._is_working() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(left, SECONDS_BETWEEN_LOOKS))

    def _is_working(self) -> bool:
        return any(
            thread.is_alive() and not ended
            for thread, ended in zip(self._threads, self._ended, strict=False)
        )

    def _stop(self, error: BaseException) -> None:
        with self._changed:
            self.stop.set()
            self._changed.notify_all()
        self._join(SECONDS_AFTER_INTERRUPT if isinstance(error, KeyboardInterrupt) else inf)
