"""The tasks that a contact sheet may show, and the pages that it makes of them."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np

from annolooop.domain.rounds import Page, Tile
from annolooop.domain.tasks import Image
from annolooop.model.judging.duplicates import near_limit
from annolooop.model.numeric import Vectors, sample_indices, squared_distances, unit_length

AROUND = 4  # a page is chosen from so many times its size
SECONDS_HELD = 600.0  # for which nobody else gets the tiles of a page
SAMPLE = 2000  # embeddings that say from when on two pictures are nearly the same


class Embedded(Protocol):
    """Where embeddings are read."""

    def matrix(self, hashes: Iterable[str]) -> Vectors: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One task of a pool.

    Attributes:
        task: its id.
        image: that it shows.
        label: what it is shown as; empty where people see no prediction.
        second: what one click makes of it.
        score: probability of ``label``.
    """

    task: int
    image: Image
    label: str
    second: str
    score: float


class Pool:
    """Tasks in the order in which they are asked, and who has which of them on a page.

    Args:
        rows: in that order; a page has rows of one label.
        embeddings: of their images.
        seed: of what is drawn.
    """

    def __init__(self, rows: Iterable[Row], embeddings: Embedded, seed: int) -> None:
        self._embeddings = embeddings
        self._rows = {row.task: row for row in rows}
        self._gone: dict[int, Row] = {}  # answered
        self._shown: dict[str, Image] = {}  # content hash -> image that was on a page
        self._held: dict[int, tuple[int, float]] = {}  # task -> who, until when
        self._lock = threading.Lock()
        self._pages = 0
        self._near = self._near_limit(seed)

    def _near_limit(self, seed: int) -> float:
        """Distance below which two pictures are nearly the same; 0 where that is not known."""
        images = [row.image for row in self._rows.values()]
        some = sample_indices(len(images), SAMPLE, np.random.default_rng(seed))
        if len(some) < 2:
            return 0.0
        return near_limit(self._embeddings.matrix(images[i].sha256 for i in some))

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, task: int) -> bool:
        return task in self._rows

    def page(self, person: int, size: int) -> Page | None:
        """The next page for a person, whose tiles nobody else gets meanwhile.

        Returns:
            ``None`` where no tile is left that nobody else has.
        """
        with self._lock:
            rows = list(islice(self._alike(), AROUND * size))
            if not rows:
                return None
            tiles = self._tiles(rows, size)
            self._pages += 1
            tasks = [task for tile in tiles for task in (tile.task, *tile.twins)]
            self._held |= dict.fromkeys(tasks, (person, time.monotonic() + SECONDS_HELD))
            self._shown |= {tile.sha256: Image(tile.key, tile.sha256) for tile in tiles}
            return Page(self._pages, rows[0].label, tiles, len(self._rows))

    def _alike(self) -> Iterator[Row]:
        """The first row that nobody has, and the others that share its label, in their order."""
        now, label = time.monotonic(), None
        for row in self._rows.values():
            if self._held.get(row.task, (0, 0.0))[1] < now and label in (None, row.label):
                label = row.label
                yield row

    def _tiles(self, rows: Sequence[Row], size: int) -> tuple[Tile, ...]:
        """The first row and those most like it, so that whatever is no such thing stands out."""
        vectors = unit_length(self._embeddings.matrix(row.image.sha256 for row in rows))
        far = squared_distances(vectors[:1], vectors)[0]
        order: list[int] = np.argsort(far, kind="stable").tolist()
        twins: dict[int, list[int]] = {}
        for at in order:
            shown = list(twins)
            if shown:
                gaps = squared_distances(vectors[at : at + 1], vectors[shown])[0]
                closest = int(np.argmin(gaps))
                if gaps[closest] < self._near**2:
                    twins[shown[closest]].append(at)
                    continue
            if len(twins) < size:
                twins[at] = []
        return tuple(_tile(rows[at], [rows[i] for i in more]) for at, more in twins.items())

    def image(self, sha256: str) -> Image | None:
        """The image of this content, if it was on a page."""
        return self._shown.get(sha256)

    def release(self, person: int) -> None:
        """Let others have what a person had on pages: they began anew."""
        with self._lock:
            self._held = {task: held for task, held in self._held.items() if held[0] != person}

    def answered(self, tasks: Iterable[int]) -> None:
        """Take out tasks that were answered."""
        with self._lock:
            for task in tasks:
                if task in self._rows:
                    self._gone[task] = self._rows.pop(task)

    def put_back(self, tasks: Iterable[int], person: int) -> None:
        """Take in tasks whose answers were taken back; the person has them on a page."""
        with self._lock:
            back = {task: self._gone.pop(task) for task in tasks if task in self._gone}
            self._rows = back | self._rows
            self._held |= dict.fromkeys(back, (person, time.monotonic() + SECONDS_HELD))


def _tile(row: Row, twins: Sequence[Row]) -> Tile:
    others = tuple(twin.task for twin in twins)
    image = row.image
    return Tile(row.task, others, image.key, image.sha256, row.label, row.second, row.score)
