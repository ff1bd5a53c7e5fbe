"""Which images to ask people about next."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from annolooop.errors import UsageError, did_you_mean
from annolooop.model.choosing.auto import auto, trust_in_head
from annolooop.model.choosing.diversity import badge, clustered_margin, coreset, typiclust
from annolooop.model.choosing.pool import Pool, Selection
from annolooop.model.choosing.uncertainty import entropy, least_confidence, margin, random
from annolooop.model.numeric import squared_distances, unit_length

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


def choose(strategy: str, pool: Pool, count: int, seed: int) -> Selection:
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
        trust = trust_in_head(pool)
        used, why = trust.used, trust.why
    elif strategy in NEED_HEAD and pool.probabilities is None:
        strategy = used = "random"
        why = "no head is trained yet"
    if not len(pool.embeddings) or count < 1:
        return Selection(np.zeros(0, np.intp), used, why)
    count = min(count, len(pool.embeddings))
    order = distinct(STRATEGIES[strategy](pool, count, rng), pool, count)
    return Selection(np.array(order, np.intp), used, why)


def check_strategy(name: str) -> None:
    """Refuse a name that no strategy has.

    Raises:
        UsageError: there is no such strategy.
    """
    if name not in STRATEGIES:
        raise UsageError(
            f"there is no strategy {name}{did_you_mean(name, STRATEGIES)}",
            f"Strategies: {', '.join(STRATEGIES)}",
        )


def distinct(rows: Iterator[int], pool: Pool, count: int) -> list[int]:
    """The first rows of an order that are near neither each other nor labelled images."""
    within, taken_count = max(pool.near**2, ROUNDING), len(pool.labelled)
    taken = np.empty((taken_count + count, pool.embeddings.shape[1]), np.float32)
    taken[:taken_count] = unit_length(pool.labelled)
    kept: list[int] = []
    for row in rows:
        point = unit_length(pool.embeddings[row : row + 1])
        if taken_count and float(squared_distances(point, taken[:taken_count]).min()) <= within:
            continue
        kept.append(row)
        if len(kept) == count:
            break
        taken[taken_count] = point
        taken_count += 1
    return kept
