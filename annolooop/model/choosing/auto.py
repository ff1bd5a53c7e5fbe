"""The default: typical images while little is known, unsure ones that differ later.

Both are one thing: greedily the images that cover what no label covers yet, each image of the pool
counting as much as the head is unsure of it (Uncertainty Herding: Bae et al. 2025; with all
counting the same, MaxHerding: Bae, Oglic & Sutherland 2024). How far the head is believed follows
from evidence: its cross-validated accuracy against what the commonest answer alone would reach. A
head that is no better is not believed, and typical images are left to ask about.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from annolooop.model.choosing.geometry import Space, drawn, nearest, squared
from annolooop.model.choosing.pool import Places, Pool, Targets, Vectors
from annolooop.model.choosing.uncertainty import closeness

REFERENCES = 2_000  # images, drawn, that stand for all of the pool
CANDIDATES = 2_000  # images that are looked at: the least sure ones, and as many drawn
NEIGHBOURS = 20  # among the references; the distance to that one is the unit of the kernel's width
LOOKED_AT = 128  # images, drawn, from which that distance is told
WIDE, NARROW = 1.0, 0.5  # widths of the kernel, without and with a head that is believed
ENOUGH = 0.5  # share of the way from chance to perfect from which on a head is believed


@dataclass(frozen=True)
class Belief:
    """How far the head is believed.

    Attributes:
        share: 0, not at all, to 1.
        used: what this makes of ``auto``: ``typical`` or ``diverse_margin``.
        why: in words.
    """

    share: float
    used: str
    why: str


def believe(pool: Pool) -> Belief:
    """The evidence for the head: its accuracy, less a standard error, over chance."""
    if pool.probabilities is None:
        return Belief(0.0, "typical", "no head is trained yet")
    if pool.accuracy is None:
        return Belief(0.0, "typical", "too few labels to tell how good the head is")
    chance = commonest(pool.targets)
    doubt = (pool.accuracy * (1 - pool.accuracy) / max(len(pool.targets), 1)) ** 0.5
    skill = (pool.accuracy - doubt - chance) / max(1 - chance, 1e-9)
    share = float(np.clip(skill / ENOUGH, 0, 1))
    told = f"the head is right on {pool.accuracy:.0%} of what it did not learn from"
    against = f"the commonest answer alone on {chance:.0%}"
    return Belief(share, "diverse_margin" if share >= 0.5 else "typical", f"{told}, {against}")


def commonest(targets: Targets) -> float:
    """Share of the labelled images that have the commonest answer."""
    if not len(targets):
        return 1.0
    return float(np.unique(targets, axis=0, return_counts=True)[1].max() / len(targets))


def auto(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Cover the pool, weighted by how unsure a believed head is; see above."""
    points, known = (space := Space.of(pool, rng)).points, space.known
    belief = believe(pool).share
    n = len(points)
    weight: Vectors = np.ones(n, np.float32)
    if pool.probabilities is not None:
        unsure = closeness(pool.probabilities, pool.multiple)
        weight = np.asarray(1 - belief + belief * unsure, np.float32)
    refs = drawn(n, REFERENCES, rng)
    cands = _candidates(weight, max(CANDIDATES, 4 * count), rng)
    width = _unit(points[refs], rng) * WIDE * (NARROW / WIDE) ** belief
    for place in cover(points[cands], points[refs], known, weight[refs], width):
        yield int(cands[place])
    yield from rng.permutation(np.setdiff1d(np.arange(n), cands)).tolist()


def _candidates(weight: Vectors, count: int, rng: np.random.Generator) -> Places:
    if len(weight) <= count:
        return np.arange(len(weight))
    mixed = rng.permutation(len(weight))
    sorted_ = mixed[np.argsort(-weight[mixed], kind="stable")]
    return np.union1d(sorted_[: count // 2], mixed[: count - count // 2])


def _unit(refs: Vectors, rng: np.random.Generator) -> float:
    """The median squared distance of references to their NEIGHBOURS-th neighbour."""
    if len(refs) < 2:
        return 1.0
    table = squared(refs[drawn(len(refs), LOOKED_AT, rng)], refs)
    place = min(NEIGHBOURS, len(refs) - 1)  # each is its own nearest one
    return max(float(np.median(np.partition(table, place, axis=1)[:, place])), 1e-6)


def cover(
    cands: Vectors, refs: Vectors, known: Vectors, weight: Vectors, width: float
) -> Iterator[int]:
    """Greedily the candidates that cover most of what is not covered yet.

    What a set covers is the sum, over the references, of their weight times the largest Gaussian
    kernel to a member. The gain of a candidate only falls as others are chosen, so old gains are
    bounds, and few are told anew (Minoux 1978).

    Args:
        cands: (c, r), to choose from.
        refs: (n, r), to be covered.
        known: (m, r), labelled images, which cover too.
        weight: (n,), of the references.
        width: of the kernel: the squared distance at which it is 1/e.

    Yields:
        Places of candidates, the best first, all of them.
    """
    kernel = squared(cands, refs)
    np.exp(np.divide(kernel, -width, out=kernel), out=kernel)
    covered = np.zeros(len(refs), np.float32)
    if len(known):
        covered = np.exp(nearest(refs, known)[1] / -width)
    gains = np.maximum(kernel - covered, 0) @ weight
    queue = [(-gain, place) for place, gain in enumerate(gains.tolist())]
    heapq.heapify(queue)
    while queue:
        _, place = heapq.heappop(queue)
        gain = float(weight @ np.maximum(kernel[place] - covered, 0))
        if queue and gain < -queue[0][0]:
            heapq.heappush(queue, (-gain, place))
            continue
        yield place
        covered = np.maximum(covered, kernel[place])
