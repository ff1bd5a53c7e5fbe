"""From which confidence on predictions may be accepted without a look.

The promise is a share of correct predictions among those that are accepted. To try all thresholds
on the holdout and to keep the best one would break it: of many, one looks good by luck. So
thresholds are tested in an order that no label has shaped, the strictest first, each with an exact
binomial test, and the first that fails ends it: *fixed sequence testing*, as in Angelopoulos et
al., "Learn then Test" (2021). With a probability of at least ``CONFIDENCE``, all thresholds that
passed keep the promise, so the lowest of them may be taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom

CONFIDENCE = 0.95  # that the promise is kept
CHANCE = 1 - CONFIDENCE  # that it is not
GROWTH = 1.2  # each threshold lets about so many times as many images pass as the one before


@dataclass(frozen=True)
class Threshold:
    """The lowest confidence that is accepted, and what it gives on the holdout.

    Attributes:
        value: predictions of at least that confidence are accepted; ``None`` if there is none.
        n: images of the holdout with such predictions.
        errors: of these, wrongly predicted.
        low: lower end of their precision, one-sided (Clopper and Pearson 1934).
    """

    value: float | None = None
    n: int = 0
    errors: int = 0
    low: float | None = None


def images_needed(precision: float, chance: float = CHANCE) -> int:
    """The fewest images that can show a precision: all of them predicted correctly."""
    return int(np.ceil(np.log(chance) / np.log(precision)))


def choose_threshold(
    confidence: NDArray[np.float64],
    correct: NDArray[np.bool_],
    precision: float,
    chance: float = CHANCE,
) -> Threshold:
    """The lowest threshold that keeps the promise.

    Args:
        confidence: (n,), of the predictions for images of the holdout.
        correct: (n,), whether these are correct.
        precision: share of correct ones that is promised among what is accepted; below 1.
        chance: with which the promise may be broken, 0 to 1.
    """
    order = np.argsort(-confidence, kind="stable")
    descending, wrong = confidence[order], np.cumsum(~correct[order])
    passed = Threshold()
    for count in _steps(len(order), precision, chance):
        value = float(descending[count - 1])
        n = int(np.searchsorted(-descending, -value, side="right"))  # all with that confidence
        errors = int(wrong[n - 1])
        if not _shows(errors, n, precision, chance):
            break
        passed = Threshold(value, n, errors, lowest_precision(errors, n, chance))
    return passed


def lowest_precision(errors: int, n: int, chance: float = CHANCE) -> float:
    """Lower bound of a precision, one-sided and exact (Clopper and Pearson 1934)."""
    return float(beta.ppf(chance, n - errors, errors + 1)) if n > errors else 0.0


def _steps(n: int, precision: float, chance: float) -> Iterator[int]:
    """How many of n images pass each threshold; neither labels nor predictions decide it."""
    count = images_needed(precision, chance)
    if count > n:
        return
    while count < n:
        yield count
        count = int(np.ceil(count * GROWTH))
    yield n


def _shows(errors: int, n: int, precision: float, chance: float) -> bool:
    """Whether a lower precision would rarely let so few be wrong."""
    return bool(binom.cdf(errors, n, 1 - precision) <= chance)
