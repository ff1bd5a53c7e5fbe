"""Whether probabilities are right: of predictions made with 0.8, 8 in 10 should be correct.

The units are decisions: with single choice the predicted label of an image, with multiple
choice whether it has a label, for each of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.versions import Estimate
from annolooop.model.heads.head import THRESHOLD, Probabilities

Targets = NDArray[np.bool_]

BINS, PER_BIN = 15, 20  # bins at most, and decisions that one should have
RESAMPLES, DRAWS = 500, 10_000_000  # of the bootstrap; of large sets fewer, to stay quick
FEWEST_RESAMPLES = 100  # resamples even then
DRAWS_AT_ONCE = 4_000_000  # in memory
TAILS = (0.025, 0.975)


class Bin(NamedTuple):
    """Decisions of about the same confidence.

    Attributes:
        n: how many.
        confidence: mean probability of being correct, by the model.
        accuracy: share that is correct.
    """

    n: int
    confidence: float
    accuracy: float


def decisions(
    probabilities: Probabilities, targets: Targets, multiple: bool
) -> tuple[Probabilities, Targets]:
    """Confidence and correctness of each decision, (n, 1), or (n, k) of multiple choice."""
    if multiple:
        chosen = probabilities >= THRESHOLD
        return np.where(chosen, probabilities, 1 - probabilities), np.asarray(chosen == targets)
    best = probabilities.argmax(axis=1)
    rows = np.arange(len(best))
    return probabilities[rows, best][:, None], np.asarray(targets[rows, best])[:, None]


def reliability(probabilities: Probabilities, targets: Targets, multiple: bool) -> tuple[Bin, ...]:
    """The bins of :func:`calibration_error`, the least confident first."""
    confidences, corrects = decisions(probabilities, targets, multiple)
    confidence, correct = confidences.ravel(), corrects.ravel()
    number = _numbers(confidence)
    counts = np.bincount(number)
    mean, share = np.bincount(number, confidence) / counts, np.bincount(number, correct) / counts
    return tuple(
        Bin(int(n), float(c), float(a)) for n, c, a in zip(counts, mean, share, strict=True)
    )


def calibration_error(
    probabilities: Probabilities, targets: Targets, multiple: bool, seed: int
) -> Estimate:
    """Expected calibration error: mean distance of confidence and accuracy, over bins.

    The usual figure (Naeini et al. 2015, Guo et al. 2017) with bins of equal size instead of equal
    width, which is less biased (Nixon et al. 2019, Roelofs et al. 2022): at most 15, each with
    about 20 decisions or more, but two at least. What chance alone adds is taken off as the
    bootstrap estimates it (Efron 1979): of 100 images the plain figure of perfect probabilities
    would be about 0.06, of this one about 0.04; where the true figure is 0.05 or 0.1, it is off by
    less than 0.01 on average.

    The interval is the basic bootstrap's over images. It reaches down to 0 where perfect
    probabilities could have given the plain figure too (consistency resampling, Bröcker and Smith
    2007, by its normal approximation).

    Args:
        probabilities: (n, k), of images that the head did not learn from.
        targets: (n, k) bool.
        multiple: images may have any number of labels.
        seed: of the resampling.
    """
    confidence, correct = decisions(probabilities, targets, multiple)
    number = _numbers(confidence.ravel()).reshape(confidence.shape)
    count = int(number.max()) + 1
    gaps = np.zeros((len(confidence), count))
    for column in range(confidence.shape[1]):
        gaps[np.arange(len(gaps)), number[:, column]] += (confidence - correct)[:, column]
    plain = np.abs(gaps.sum(axis=0)).sum() / confidence.size
    drawn = np.abs(resample(gaps, seed)).sum(axis=1) / confidence.shape[1]
    low, high = np.quantile(drawn, TAILS)
    spread = np.sqrt(np.bincount(number.ravel(), (confidence * (1 - confidence)).ravel()))
    noise = np.random.default_rng(seed).normal(size=(RESAMPLES, count)) * spread
    chance = np.quantile(np.abs(noise).sum(axis=1) / confidence.size, TAILS[1])
    return Estimate(
        max(0.0, float(2 * plain - drawn.mean())),
        0.0 if plain <= chance else max(0.0, float(2 * plain - high)),
        max(0.0, float(2 * plain - low)),
    )


def resample(columns: Probabilities, seed: int) -> Probabilities:
    """Means of the columns of (n, c) over rows drawn with replacement, (resamples, c)."""
    n = len(columns)
    resamples = int(np.clip(DRAWS // n, FEWEST_RESAMPLES, RESAMPLES))
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, step := max(1, DRAWS_AT_ONCE // n)):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        means.append(times @ columns / n)
    return np.concatenate(means)


def _numbers(confidence: Probabilities) -> NDArray[np.intp]:
    """The bin of each of (n,) decisions."""
    n = len(confidence)
    bins = min(max(2, min(BINS, n // PER_BIN)), n)
    numbers = np.empty(n, np.intp)
    numbers[np.argsort(confidence, kind="stable")] = np.arange(n) * bins // n
    return numbers
