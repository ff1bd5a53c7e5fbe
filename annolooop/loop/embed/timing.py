"""How long each stage of a run works, while they overlap."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Timing:
    """Seconds of work by stage. A stage is timed by one thread at a time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of a block."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] += time.monotonic() - begun

    def each(self, items: Iterable[T], name: str) -> Iterator[T]:
        """Count the time that items take to come."""
        iterator = iter(items)
        while True:
            with self.stage(name):
                item = next(iterator, None)
            if item is None:
                return
            yield item

    def bottleneck(self) -> str:
        """The stage that works longest, which the others wait for; empty if none works."""
        return max(self.seconds, key=lambda name: self.seconds[name], default="")

    def rounded(self) -> dict[str, float]:
        """For reports."""
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}
