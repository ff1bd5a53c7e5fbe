"""Which images to ask people about next."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from annolooop.strategies import diversity, uncertainty
from annolooop.strategies.geometry import near_distance, squared
from annolooop.strategies.pool import Choice, Pool

Strategy = Callable[[Pool, int, np.random.Generator], Iterator[int]]

STRATEGIES: Mapping[str, Strategy] = {
    "random": uncertainty.random,
    "least_confidence": uncertainty.least_confidence,
    "margin": uncertainty.margin,
    "entropy": uncertainty.entropy,
    "typiclust": diversity.typiclust,
    "coreset": diversity.coreset,
    "badge": diversity.badge,
    "clustered_margin": diversity.clustered_margin,
}
NEED_HEAD = ("least_confidence", "margin", "entropy", "badge", "clustered_margin")


def choose(strategy: str, pool: Pool, count: int, seed: int) -> Choice:
    rng = np.random.default_rng(seed)
    used, why = strategy, ""
    if strategy in NEED_HEAD and pool.probabilities is None:
        used, why = "random", "no head is trained yet"
    count = min(count, len(pool.embeddings))
    order = distinct(STRATEGIES[used](pool, count, rng), pool, count, rng)
    return Choice(np.array(order, np.intp), used, why)


def distinct(places: Iterator[int], pool: Pool, count: int, rng: np.random.Generator) -> list[int]:
    """The first of an order that are near-duplicates neither of each other nor of labelled ones."""
    x = pool.embeddings
    within = near_distance(x, rng)
    kept: list[int] = []
    taken = np.empty((count + len(pool.labelled), x.shape[1]), np.float32)
    taken[: len(pool.labelled)] = pool.labelled
    there = len(pool.labelled)
    while len(kept) < count:
        place = next(places, None)
        if place is None:
            break
        if there and squared(x[place : place + 1], taken[:there]).min() <= within:
            continue
        kept.append(place)
        taken[there] = x[place]
        there += 1
    return kept
