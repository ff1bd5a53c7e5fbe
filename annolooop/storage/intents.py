"""Intent: a request may be under way whose answer nobody received.

A server goes on with a request when its sender dies. What it has not written yet looks as if it
were still to do, and would be sent twice. So each such request is announced in the store before it
is sent, and whoever finds an announcement waits until the server has certainly ended.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, TypeVar

from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.records import Document

T = TypeVar("T")

SECONDS_OF_QUIET = 10.0  # without change on the server, after which a request counts as ended
SECONDS_BETWEEN_LOOKS = 0.5


class Intent(Document[T]):
    """One kind of request on one dataset: ``datasets/<dataset>/<name>.json`` while it may run.

    A damaged one tells that a request may run, and not which.

    Args:
        store: where it is announced.
        dataset: that the request is about.
        name: of the kind of request.
        kind: type of what is announced; see :func:`annolooop.storage.records.from_json`.
    """

    def __init__(self, store: ArtifactStore, dataset: str, name: str, kind: Any) -> None:
        super().__init__(store, f"{DATASETS}/{dataset}/{name}.json", kind, derived=True)

    @contextmanager
    def under_way(self, value: T) -> Iterator[None]:
        """Announce a request; it counts as ended when the block ends without an error."""
        self.write(value)
        yield
        self.delete()

    def await_end(
        self,
        probe: Callable[[], object],
        done: Callable[[], bool] = lambda: False,
        longest: float = inf,
    ) -> bool:
        """Wait for the end of a request that was announced by someone who is gone.

        It counts as ended when ``done`` says so, or when what ``probe`` returns has not changed for
        :data:`SECONDS_OF_QUIET`.

        Args:
            probe: asks the server for counters that the request changes.
            done: whether all that was announced is there; asked whenever the counters have changed.
            longest: seconds after which it counts as ended in any case.

        Returns:
            Whether one was announced.
        """
        if not self.exists():
            return False
        begun = since = time.monotonic()
        seen: object = _NOTHING
        while time.monotonic() - begun < longest:
            now = probe()
            if now != seen:
                seen, since = now, time.monotonic()
                if done():
                    break
            elif time.monotonic() - since > SECONDS_OF_QUIET:
                break
            time.sleep(SECONDS_BETWEEN_LOOKS)
        self.delete()
        return True


_NOTHING = object()  # no counters
