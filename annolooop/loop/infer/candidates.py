"""The tasks that a query may choose from, of any number, in little memory."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.draw import HOLDOUT_ORDER, draw
from annolooop.domain.split import split_of
from annolooop.domain.tasks import Image
from annolooop.loop.push.push import IMAGES_PER_PART
from annolooop.loop.versions.predict import Predictor
from annolooop.model.choosing.pool import CANDIDATES

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A task that nobody annotated, and its image."""

    task: int
    image: Image


class Candidates:
    """Tasks to choose from: some of the holdout by draw, of the others at most ``CANDIDATES``.

    Where there are more, half of them are drawn at random, and half are those with the smallest
    margins. Memory stays flat, and what is kept does not depend on the parts they come in.

    Args:
        count: tasks that will be chosen at most.
        holdout: share of the images.
        recorded: content hash -> part of the split that it was assigned to before.
        predictor: of the current version; ``None`` where it is not trained: all are drawn.
        seed: of the draw.

    Attributes:
        held: tasks of the holdout, in the order of the draw; at most ``count``.
        total: number of tasks that were added.
        free: of these, outside of the holdout.
    """

    def __init__(
        self,
        count: int,
        holdout: float,
        recorded: Mapping[str, str],
        predictor: Predictor | None,
        seed: int,
    ) -> None:
        self.held: list[Candidate] = []
        self.total = 0
        self.free = 0  # outside of the holdout
        self._holdout, self._recorded = holdout, recorded
        self._count, self._predictor = count, predictor
        self._random = np.random.default_rng(seed)
        self._kept: list[Candidate] = []
        self._draws: Numbers = np.empty(0)

    @property
    def to_choose_from(self) -> list[Candidate]:
        """Those outside of the holdout."""
        self._thin()
        return self._kept

    def holdout_share(self, count: int, before: int) -> int:
        """How many of ``count`` tasks are the holdout's, after ``before`` tasks of other rounds.

        Few at a time add up to the share, too; and where the others run out, more are asked.
        """
        due = int(self._holdout * (before + count)) - int(self._holdout * before)
        return min(max(due, count - self.free), len(self.held))

    def add(self, part: Sequence[Candidate]) -> None:
        """Take some more tasks."""
        held: list[Candidate] = []
        free: list[Candidate] = []
        for candidate in part:
            split = split_of(candidate.image.sha256, self._holdout, self._recorded)
            (held if split == "holdout" else free).append(candidate)
        self.total += len(part)
        self.free += len(free)
        self.held = heapq.nsmallest(self._count, [*self.held, *held], key=_holdout_draw)
        self._kept += free
        self._draws = np.concatenate([self._draws, self._random.random(len(free))])
        if len(self._kept) > 2 * CANDIDATES:
            self._thin()

    def _thin(self) -> None:
        if len(self._kept) <= CANDIDATES:
            return
        by_draw = np.argsort(self._draws, kind="stable")
        if self._predictor is None:
            chosen = by_draw[:CANDIDATES]
        else:
            drawn, rest = np.split(by_draw, [CANDIDATES // 2])
            margins = self._margins([self._kept[i] for i in rest.tolist()], self._predictor)
            close = rest[np.argsort(margins, kind="stable")[: CANDIDATES - len(drawn)]]
            chosen = np.concatenate([drawn, close])
        chosen = np.sort(chosen)
        self._kept = [self._kept[i] for i in chosen.tolist()]
        self._draws = self._draws[chosen]

    def _margins(self, candidates: Sequence[Candidate], predictor: Predictor) -> Numbers:
        """(n,): how far the two most probable answers are apart."""
        margins: Numbers = np.empty(len(candidates))
        for start in range(0, len(candidates), IMAGES_PER_PART):
            probabilities = predictor.probabilities(
                [c.image for c in candidates[start : start + IMAGES_PER_PART]]
            )
            if predictor.version.choice == "multiple":
                margin = np.abs(probabilities - 0.5).min(axis=1)
            elif probabilities.shape[1] < 2:
                margin = probabilities[:, 0]
            else:
                best = np.partition(probabilities, -2, axis=1)
                margin = best[:, -1] - best[:, -2]
            margins[start : start + IMAGES_PER_PART] = margin
        return margins


def _holdout_draw(candidate: Candidate) -> float:
    """In which order images of the holdout are drawn: those shown blind are spread among them."""
    return draw(candidate.image.sha256, HOLDOUT_ORDER)
