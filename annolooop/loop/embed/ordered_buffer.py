"""The ordered buffer between reading files, embedding them and recording them."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from threading import Lock

from annolooop.domain.progress import Progress
from annolooop.loop.embed.files import BatchFile
from annolooop.storage.embeddings.embeddings import Vector

SECONDS_PER_PART = 2.0  # after which what is done is recorded
IMAGES_PER_PART = 2048  # after which it is, however fast


@dataclass(frozen=True)
class FinishedFiles:
    """Files whose outcome is known, in the batch's order, and what was computed for them.

    Attributes:
        files: of the batch.
        vectors: content hash -> new embedding.
        undecodable: content hash -> why it cannot be decoded.
    """

    files: list[BatchFile]
    vectors: dict[str, Vector]
    undecodable: dict[str, str]


class OrderedBuffer:
    """Keeps the files of a batch in their order, whatever becomes known of them first.

    Files are read in one thread, which may be the backbone's; embeddings come in another, and a
    third records.

    Args:
        progress: of the files whose outcome is known.
        put: takes each part.
    """

    def __init__(self, progress: Progress, put: Callable[[FinishedFiles], None]) -> None:
        self._progress = progress
        self._put = put
        self._lock = Lock()
        self._putting = Lock()  # parts are put in their order
        self._waiting: deque[BatchFile] = deque()
        self._ready: list[BatchFile] = []
        self._computing: set[str] = set()  # hashes whose embedding is being computed
        self._unrecorded: set[str] = set()  # hashes whose embedding is on the way to the store
        self._vectors: dict[str, Vector] = {}
        self._undecodable: dict[str, str] = {}
        self._since = time.monotonic()

    def to_embed(self, files: Iterable[BatchFile]) -> Iterator[tuple[str, bytes]]:
        """Content hash and bytes of the files that have to be embedded, once each content."""
        for file in files:
            sha256, data = file.image.sha256 if file.image else "", file.data
            with self._lock:
                known = sha256 in self._computing or sha256 in self._unrecorded
                missing = data is not None and not known and sha256 not in self._undecodable
                self._waiting.append(replace(file, data=None) if data else file)
                if missing:
                    self._computing.add(sha256)
            self._put_part()
            if missing and data is not None:
                yield sha256, data

    def add(
        self, names: list[str], vectors: dict[str, Vector], undecodable: dict[str, str]
    ) -> None:
        """Take what was computed for some files."""
        with self._lock:
            self._computing.difference_update(names)
            self._unrecorded |= vectors.keys()
            self._vectors |= vectors
            self._undecodable |= undecodable
        self._put_part()

    def note_recorded(self, part: FinishedFiles) -> None:
        """A part is in the store."""
        with self._lock:
            self._unrecorded -= part.vectors.keys()

    def end(self) -> None:
        """Put what is left."""
        self._put_part(last=True)
        self._progress.end()

    def _put_part(self, last: bool = False) -> None:
        with self._putting:
            with self._lock:  # not while somebody waits: who records needs it
                part = self._take(last)
            if part:
                self._put(part)

    def _take(self, last: bool) -> FinishedFiles | None:
        ready = len(self._ready)
        while self._waiting and not self._is_computing(self._waiting[0]):
            self._ready.append(self._waiting.popleft())
        self._progress.advance(len(self._ready) - ready)
        due = time.monotonic() - self._since >= SECONDS_PER_PART
        if not self._ready or not (last or due or len(self._ready) >= IMAGES_PER_PART):
            return None
        part = FinishedFiles(self._ready, self._vectors, self._undecodable)
        self._ready, self._vectors, self._since = [], {}, time.monotonic()
        return part

    def _is_computing(self, file: BatchFile) -> bool:
        return bool(file.image and file.image.sha256 in self._computing)
