"""Which images to ask people about next."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from annolooop.errors import UsageError, did_you_mean
from annolooop.model.choosing.auto import auto, believe
from annolooop.model.choosing.diversity import badge, clustered_margin, coreset, typiclust
from annolooop.model.choosing.geometry import squared, unit
from annolooop.model.choosing.pool import Choice, Pool
from annolooop.model.choosing.uncertainty import entropy, least_confidence, margin, random

Strategy = Callable[[Pool, int, np.random.Generator], Iterator[int]]

STRATEGIES: Mapping[str, Strategy] = {
    "auto": auto,
    "random": random,
    "least_confidence": least_confidence,
    "margin": margin,
    "entropy": entropy,
    "typiclust": typiclust,
    "coreset": coreset,
    "badge": badge,
    "clustered_margin": clustered_margin,
}
ROUNDING = 1e-5  # squared distance that float32 may put between equal rows of length 1
NEED_HEAD = ("least_confidence", "margin", "entropy", "badge", "clustered_margin")


def choose(strategy: str, pool: Pool, count: int, seed: int) -> Choice:
    """Choose what to ask about; the same arguments lead to the same choice.

    Near-duplicates, of each other or of labelled images, are asked about once.

    Args:
        strategy: a name of ``STRATEGIES``.
        pool: what there is.
        count: how many to choose.
        seed: of all that is drawn.

    Raises:
        UsageError: there is no such strategy.
    """
    check_strategy(strategy)
    rng = np.random.default_rng(seed)
    used, why = strategy, ""
    if strategy == "auto":
        belief = believe(pool)
        used, why = belief.used, belief.why
    elif strategy in NEED_HEAD and pool.probabilities is None:
        strategy = used = "random"
        why = "no head is trained yet"
    if not len(pool.embeddings) or count < 1:
        return Choice(np.zeros(0, np.intp), used, why)
    count = min(count, len(pool.embeddings))
    order = distinct(STRATEGIES[strategy](pool, count, rng), pool, count)
    return Choice(np.array(order, np.intp), used, why)


def check_strategy(name: str) -> None:
    """Refuse a name that is no strategy's.

    Raises:
        UsageError: it is none.
    """
    if name not in STRATEGIES:
        raise UsageError(
            f"there is no strategy {name}{did_you_mean(name, STRATEGIES)}",
            f"There are: {', '.join(STRATEGIES)}",
        )


def distinct(places: Iterator[int], pool: Pool, count: int) -> list[int]:
    """The first places of an order that are near to neither each other nor labelled images."""
    within, there = max(pool.near**2, ROUNDING), len(pool.labelled)
    taken = np.empty((there + count, pool.embeddings.shape[1]), np.float32)
    taken[:there] = unit(pool.labelled)
    kept: list[int] = []
    for place in places:
        row = unit(pool.embeddings[place : place + 1])
        if there and float(squared(row, taken[:there]).min()) <= within:
            continue
        kept.append(place)
        if len(kept) == count:
            break
        taken[there] = row
        there += 1
    return kept
