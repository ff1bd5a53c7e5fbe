"""The default: typical images while little is known, unsure ones that differ later.

Both are one thing: greedily the images that cover what no label covers yet, each image of the pool
counting as much as the head is unsure of it (Uncertainty Herding: Bae et al. 2025; with all
counting the same, MaxHerding: Bae, Oglic & Sutherland 2024). How far the head is trusted follows
from evidence: its cross-validated accuracy against what the commonest answer alone would reach. A
head that is no better is not trusted, and typical images are left to ask about.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from annolooop.model.choosing.directions import Directions
from annolooop.model.choosing.pool import Pool, Targets
from annolooop.model.choosing.uncertainty import ambiguity
from annolooop.model.numeric import (
    Indices,
    Vectors,
    nearest,
    neighbours,
    sample_indices,
    squared_distances,
)

REFERENCES = 2_000  # images, sampled, that stand for all of the pool
LOOKED_AT = 2_000  # candidates: half of them the least sure ones, half of them sampled
NEIGHBOURS = 20  # among the references; the distance to that one is the unit of the kernel's width
MEASURED = 128  # images, sampled, whose distances to that neighbour are taken
WIDE, NARROW = 1.0, 0.5  # widths of the kernel, without and with a head that is trusted
TRUSTED_SKILL = 0.5  # share of the way from chance to perfect from which on a head is trusted


@dataclass(frozen=True)
class Trust:
    """How far the head is trusted.

    Attributes:
        share: 0, not at all, to 1.
        used: what this makes of ``auto``: ``typical`` or ``diverse_margin``.
        why: in words.
    """

    share: float
    used: str
    why: str


def trust_in_head(pool: Pool) -> Trust:
    """The evidence for the head: its accuracy, less a standard error, over chance."""
    if pool.probabilities is None:
        return Trust(0.0, "typical", "no head is trained yet")
    if pool.accuracy is None:
        return Trust(0.0, "typical", "too few labels to estimate how good the head is")
    chance = commonest(pool.targets)
    doubt = (pool.accuracy * (1 - pool.accuracy) / max(len(pool.targets), 1)) ** 0.5
    skill = (pool.accuracy - doubt - chance) / max(1 - chance, 1e-9)
    share = float(np.clip(skill / TRUSTED_SKILL, 0, 1))
    why = (
        f"the head is correct on {pool.accuracy:.0%} of images that it did not learn from, "
        f"the commonest answer alone on {chance:.0%}"
    )
    return Trust(share, "diverse_margin" if share >= 0.5 else "typical", why)


def commonest(targets: Targets) -> float:
    """Share of the labelled images that have the commonest answer."""
    if not len(targets):
        return 1.0
    return float(np.unique(targets, axis=0, return_counts=True)[1].max() / len(targets))


def auto(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Cover the pool, weighted by how unsure a trusted head is; see above."""
    directions = Directions.of(pool, rng)
    points, share = directions.points, trust_in_head(pool).share
    n = len(points)
    weight: Vectors = np.ones(n, np.float32)
    if pool.probabilities is not None:
        unsure = ambiguity(pool.probabilities, pool.multiple)
        weight = np.asarray(1 - share + share * unsure, np.float32)
    refs = sample_indices(n, REFERENCES, rng)
    cands = _candidates(weight, max(LOOKED_AT, 4 * count), rng)
    width = _width_unit(points[refs], rng) * WIDE * (NARROW / WIDE) ** share
    for chosen in cover(points[cands], points[refs], directions.labelled, weight[refs], width):
        yield int(cands[chosen])
    yield from rng.permutation(np.setdiff1d(np.arange(n), cands)).tolist()


def _candidates(weight: Vectors, count: int, rng: np.random.Generator) -> Indices:
    if len(weight) <= count:
        return np.arange(len(weight))
    mixed = rng.permutation(len(weight))
    heaviest = mixed[np.argsort(-weight[mixed], kind="stable")]
    return np.union1d(heaviest[: count // 2], mixed[: count - count // 2])


def _width_unit(refs: Vectors, rng: np.random.Generator) -> float:
    """The median squared distance of references to their NEIGHBOURS-th neighbour."""
    if len(refs) < 2:
        return 1.0
    some = refs[sample_indices(len(refs), MEASURED, rng)]
    count = min(NEIGHBOURS, len(refs) - 1) + 1  # each is its own nearest one
    return max(float(np.median(neighbours(some, refs, count)[1][:, -1])), 1e-6)


def cover(
    cands: Vectors, refs: Vectors, labelled: Vectors, weight: Vectors, width: float
) -> Iterator[int]:
    """Greedily the candidates that cover most of what is not covered yet.

    What a set covers is the sum, over the references, of their weight times the largest Gaussian
    kernel to a member. The gain of a candidate only falls as others are chosen, so old gains are
    bounds, and few are computed anew (Minoux 1978).

    Args:
        cands: (c, r), to choose from.
        refs: (n, r), to be covered.
        labelled: (m, r), labelled images, which cover too.
        weight: (n,), of the references.
        width: of the kernel: the squared distance at which it is 1/e.

    Yields:
        Rows of the candidates, the best first, all of them.
    """
    kernel = squared_distances(cands, refs)
    np.exp(np.divide(kernel, -width, out=kernel), out=kernel)
    covered = np.zeros(len(refs), np.float32)
    if len(labelled):
        covered = np.exp(nearest(refs, labelled)[1] / -width)
    gains = np.maximum(kernel - covered, 0) @ weight
    queue = [(-gain, row) for row, gain in enumerate(gains.tolist())]
    heapq.heapify(queue)
    while queue:
        _, row = heapq.heappop(queue)
        gain = float(weight @ np.maximum(kernel[row] - covered, 0))
        if queue and gain < -queue[0][0]:
            heapq.heappush(queue, (-gain, row))
            continue
        yield row
        covered = np.maximum(covered, kernel[row])
