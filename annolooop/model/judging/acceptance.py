"""From which confidence on a model may be believed without a look.

The promise is a share of right predictions among those that are believed. To try all thresholds on
the holdout and to keep the best one would break it: of many, one looks good by luck. So
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
GROWTH = 1.2  # each threshold lets about so many times as many images pass as the one before


@dataclass(frozen=True)
class Threshold:
    """The lowest confidence that may be believed, and what the holdout says of it.

    Attributes:
        value: predictions at least that sure are believed; ``None`` if there is no such value.
        n: images of the holdout that are.
        errors: of these, wrongly predicted.
        low: lower end of their precision, 95 %, one-sided (Clopper and Pearson 1934).
    """

    value: float | None = None
    n: int = 0
    errors: int = 0
    low: float | None = None


def images_needed(precision: float) -> int:
    """The fewest images that can show a precision: all of them predicted right."""
    return int(np.ceil(np.log(1 - CONFIDENCE) / np.log(precision)))


def choose_threshold(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], precision: float
) -> Threshold:
    """The lowest threshold that keeps the promise.

    Args:
        confidence: (n,), how sure the model is of images of the holdout.
        right: (n,), whether it is right.
        precision: share of right ones that is promised among what is believed; below 1.
    """
    order = np.argsort(-confidence, kind="stable")
    sure, wrong = confidence[order], np.cumsum(~right[order])
    found = Threshold()
    for wanted in _steps(len(order), precision):
        value = float(sure[wanted - 1])
        n = int(np.searchsorted(-sure, -value, side="right"))  # all that are as sure
        errors = int(wrong[n - 1])
        if not _shows(errors, n, precision):
            break
        found = Threshold(value, n, errors, lowest_precision(errors, n))
    return found


def lowest_precision(errors: int, n: int) -> float:
    """Lower bound of a precision, 95 %, one-sided and exact (Clopper and Pearson 1934)."""
    return float(beta.ppf(1 - CONFIDENCE, n - errors, errors + 1)) if n > errors else 0.0


def _steps(n: int, precision: float) -> Iterator[int]:
    """How many of n images pass each threshold; neither labels nor predictions say which."""
    count = images_needed(precision)
    if count > n:
        return
    while count < n:
        yield count
        count = int(np.ceil(count * GROWTH))
    yield n


def _shows(errors: int, n: int, precision: float) -> bool:
    """Whether a lower precision would rarely let so few be wrong."""
    return bool(binom.cdf(errors, n, 1 - precision) <= 1 - CONFIDENCE)
