"""The tasks that a contact sheet may show, and the pages that it makes of them."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.annotations import Snapshot
from annolooop.domain.progress import Track
from annolooop.domain.sheet import Page, Tile
from annolooop.domain.tasks import Image
from annolooop.loop.quality.untouched import UntouchedTasks
from annolooop.loop.versions.predict import Predictor
from annolooop.model.judging.duplicates import near_limit
from annolooop.model.numeric import sample_indices, squared_distances, unit_length
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.tasks import TaskIndex

IMAGES_AT_ONCE = 5000  # whose tasks and predictions are in memory
AROUND = 4  # a page is chosen from so many times its size
SECONDS_HELD = 600.0  # for which nobody else gets the tiles of a page
SAMPLE = 2000  # embeddings that say from when on two pictures are nearly the same


@dataclass(frozen=True)
class _Row:
    """One task of the pool."""

    task: int
    image: Image
    best: int
    second: int
    score: float


class Pool:
    """Tasks that nobody touched, by predicted label; who has which of them on a page.

    Args:
        rows: all of them.
        labels: of the version.
        embeddings: of its backbone.
        surest_first: begin with the most probable predictions, or with the least probable ones.
        seed: of what is drawn.
    """

    def __init__(
        self,
        rows: Iterable[_Row],
        labels: Sequence[str],
        embeddings: Embeddings,
        surest_first: bool,
        seed: int,
    ) -> None:
        self._labels, self._embeddings = labels, embeddings
        self._sign = -1 if surest_first else 1
        self._rows = {row.task: row for row in self._sorted(rows)}
        self._gone: dict[int, _Row] = {}  # answered
        self._shown: dict[str, Image] = {}  # content hash -> image that was on a page
        self._held: dict[int, tuple[int, float]] = {}  # task -> who, until when
        self._lock = threading.Lock()
        self._pages = 0
        self._near = self._near_limit(seed)

    def _near_limit(self, seed: int) -> float:
        """Distance below which two pictures are nearly the same."""
        images = [row.image for row in self._rows.values()]
        some = sample_indices(len(images), SAMPLE, np.random.default_rng(seed))
        return (
            near_limit(self._embeddings.matrix(images[i].sha256 for i in some)) if images else 0.0
        )

    @property
    def left(self) -> int:
        """Images that nobody has answered."""
        return len(self._rows)

    def page(self, person: int, size: int) -> Page | None:
        """The next page for a person, whose tiles nobody else gets meanwhile.

        Returns:
            ``None`` where no tile is left that nobody else has.
        """
        with self._lock:
            now = time.monotonic()
            free = [r for r in self._rows.values() if self._held.get(r.task, (0, 0.0))[1] < now]
            if not free:
                return None
            alike = [row for row in free if row.best == free[0].best]
            tiles = self._tiles(alike[: AROUND * size], size)
            self._pages += 1
            tasks = [task for tile in tiles for task in (tile.task, *tile.twins)]
            self._held |= dict.fromkeys(tasks, (person, now + SECONDS_HELD))
            self._shown |= {tile.sha256: Image(tile.key, tile.sha256) for tile in tiles}
            return Page(self._pages, self._labels[free[0].best], tiles, len(self._rows))

    def _tiles(self, rows: Sequence[_Row], size: int) -> tuple[Tile, ...]:
        """The first row and those most like it, so that whatever is no such thing stands out."""
        vectors = unit_length(self._embeddings.matrix(row.image.sha256 for row in rows))
        far = squared_distances(vectors[:1], vectors)[0]
        order: list[int] = np.argsort(far, kind="stable").tolist()
        twins: dict[int, list[int]] = {}
        for at in order:
            if twins and self._near:
                shown = list(twins)
                gaps = squared_distances(vectors[at : at + 1], vectors[shown])[0]
                closest = int(np.argmin(gaps))
                if gaps[closest] < self._near**2:
                    twins[shown[closest]].append(at)
                    continue
            if len(twins) < size:
                twins[at] = []
        return tuple(self._tile(rows[at], [rows[i] for i in more]) for at, more in twins.items())

    def _tile(self, row: _Row, twins: Sequence[_Row]) -> Tile:
        best, second = self._labels[row.best], self._labels[row.second]
        others = tuple(twin.task for twin in twins)
        return Tile(row.task, others, row.image.key, row.image.sha256, best, second, row.score)

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
            self._rows = {
                row.task: row for row in self._sorted([*self._rows.values(), *back.values()])
            }
            self._held |= dict.fromkeys(back, (person, time.monotonic() + SECONDS_HELD))

    def _sorted(self, rows: Iterable[_Row]) -> list[_Row]:
        return sorted(rows, key=lambda row: (self._sign * row.score, row.task))


def read_pool(
    stack: Stack,
    predictor: Predictor,
    task_index: TaskIndex,
    snapshot: Snapshot,
    surest_first: bool,
    track: Track,
) -> Pool:
    """The tasks that nobody touched, outside of the holdout, with their predictions.

    Args:
        stack: the annotation loop.
        predictor: of the current version; single choice.
        task_index: agrees with the server.
        snapshot: the answers so far.
        surest_first: as of :class:`Pool`.
        track: shows how far it is.
    """
    rows: list[_Row] = []
    tasks = UntouchedTasks(stack, predictor, task_index, snapshot)
    images = track(stack.catalog.images(), "look", len(stack.catalog))
    while part := list(islice(images, IMAGES_AT_ONCE)):
        untouched = tasks.among(part)
        if untouched:
            rows += _rows(untouched, predictor.probabilities([image for _, image in untouched]))
    version = predictor.version
    embeddings = stack.embeddings(version.backbone)
    return Pool(rows, version.labels, embeddings, surest_first, stack.config.train.seed)


def _rows(
    tasks: Sequence[tuple[int, Image]], probabilities: NDArray[np.floating]
) -> Iterable[_Row]:
    order = np.argsort(-probabilities, axis=1, kind="stable")
    for (task, image), (best, *others), row in zip(
        tasks, order.tolist(), probabilities, strict=True
    ):
        yield _Row(task, image, best, others[0] if others else best, float(row[best]))
