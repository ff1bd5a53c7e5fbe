"""How far people agree, beyond what chance would give.

Answers are compared label by label: whether a person gave it. A disagreement is a label that one
gave and the other did not, summed over the labels. With single choice that counts each disagreement
twice, observed and expected alike, so these are the usual nominal coefficients; with multiple
choice they are those of each label, pooled. One label by itself is taken against all the rest.

- Krippendorff's alpha, for any number of people, each of whom answered some of the images
  (Krippendorff, "Computing Krippendorff's alpha-reliability", 2011);
- Cohen's kappa, for two people, each with own habits (Cohen 1960).

Both are computed here: the intervals are a bootstrap of 1,000 draws, which scikit-learn's
``cohen_kappa_score`` would take one by one; the package ``krippendorff`` knows neither that nor
several labels an image, and its licence, the GPL, is not one for this program.

1 is full agreement, 0 what chance gives; where all gave the same label throughout, neither is
defined.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.versions import Estimate

Matrix = NDArray[np.float64]

DRAWS, DRAWS_AT_ONCE = 1000, 100  # of the bootstrap
IMAGES_FOR_AN_INTERVAL = 10  # images; with fewer, there is no interval


class Answers(NamedTuple):
    """Answers of r people about n images with k labels.

    Attributes:
        gave: (r, n, k) bool, who gave which label.
        answered: (r, n) bool, who answered at all.
    """

    gave: NDArray[np.bool_]
    answered: NDArray[np.bool_]


def alpha(answers: Answers) -> Estimate:
    """Krippendorff's alpha over all labels; its interval by a bootstrap over the images."""
    disagreed, counts, of = _sums(answers)
    return _estimate(disagreed, counts, of)


def alpha_of_labels(answers: Answers) -> list[Estimate]:
    """The same of each label by itself, against all others."""
    disagreed, counts, of = _sums(answers)
    return [_estimate(disagreed[:, [k]], counts[:, [k]], of) for k in range(answers.gave.shape[2])]


def alpha_of_person(answers: Answers, person: int) -> Estimate:
    """The same where only pairs of answers count of which one is this person's.

    What chance would give is that of all people's answers, so people can be compared.
    """
    both = answers.answered & answers.answered[person]
    both[person] = False
    others = both.sum(axis=0).astype(float)  # (n,)
    differs = (answers.gave != answers.gave[person]) & both[:, :, None]
    used = others > 0
    disagreed = differs.sum(axis=0)[used] / others[used, None]
    _, counts, of = _sums(answers)
    chance = _expected(counts.sum(axis=0), of.sum())
    if not used.any() or chance <= 0:
        return Estimate()
    each = disagreed.sum(axis=1) / chance  # (images,)
    return _estimated(len(each), lambda weights: 1 - weights @ each / weights.sum(axis=1))


def kappa(answers: Answers, first: int, second: int) -> Estimate:
    """Cohen's kappa of two people, over the images that both answered."""
    both = answers.answered[first] & answers.answered[second]
    a, b = (answers.gave[person][both].astype(float) for person in (first, second))
    if not len(a):
        return Estimate()
    differ = np.abs(a - b)

    def of(weights: Matrix) -> Matrix:
        share = weights / weights.sum(axis=1, keepdims=True)
        observed, p, q = share @ differ.sum(axis=1), share @ a, share @ b
        return _beyond(observed, (p * (1 - q) + q * (1 - p)).sum(axis=1))

    return _estimated(len(a), of)


def _sums(answers: Answers) -> tuple[Matrix, Matrix, Matrix]:
    """Of images that several answered: disagreement and answers by label, (m, k), answers (m,)."""
    of = answers.answered.sum(axis=0).astype(float)
    counts = (answers.gave & answers.answered[:, :, None]).sum(axis=0).astype(float)
    used = of > 1
    of, counts = of[used], counts[used]
    disagreed = 2 * counts * (of[:, None] - counts) / (of[:, None] - 1)
    return disagreed, counts, of


def _expected(counts: Matrix, of: float | Matrix) -> Matrix:
    """Disagreement of two answers that were drawn at random, summed over the labels."""
    total = np.asarray(of)[..., None]
    return np.asarray((2 * counts * (total - counts) / (total * (total - 1))).sum(axis=-1))


def _estimate(disagreed: Matrix, counts: Matrix, of: Matrix) -> Estimate:
    if not len(of):
        return Estimate()

    def alpha_by(weights: Matrix) -> Matrix:
        total = weights @ of
        observed = (weights @ disagreed).sum(axis=1) / total
        return _beyond(observed, _expected(weights @ counts, total))

    return _estimated(len(of), alpha_by)


def _beyond(observed: Matrix, expected: Matrix) -> Matrix:
    """Agreement beyond chance; not a number where chance alone explains all."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)


def _estimated(images: int, statistic: Callable[[Matrix], Matrix]) -> Estimate:
    """A statistic, and the middle 95 % of it over draws of as many images, with replacement.

    Args:
        statistic: of (draws, images) how often each image counts, for each draw.
    """
    value = float(statistic(np.ones((1, images)))[0])
    if np.isnan(value):
        return Estimate()
    if images < IMAGES_FOR_AN_INTERVAL:
        return Estimate(value)
    rng, even = np.random.default_rng(0), np.full(images, 1 / images)
    drawn = np.concatenate(
        [
            statistic(rng.multinomial(images, even, DRAWS_AT_ONCE).astype(float))
            for _ in range(DRAWS // DRAWS_AT_ONCE)
        ]
    )
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return Estimate(value, float(low), float(high))
