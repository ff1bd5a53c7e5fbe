"""Which labels are probably wrong, by models that did not learn from them.

The rank is *self-confidence*: the probability of the label that the image has (Northcutt et al.,
"Confident Learning", 2021). Two opinions are taken together, as the geometric mean of their
probabilities: a head's, averaged over cross-validations with other folds each, and that of
the labels of the nearest images (of cosine, in the embeddings), which no fit has smoothed.
``benchmarks/review.py`` measures what each of them is worth. Labels are ranked and not flagged:
people decide how many are wrong.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annolooop.model.heads.calibration import fit_temperature
from annolooop.model.heads.fit import Targets, out_of_fold_logits
from annolooop.model.heads.head import THRESHOLD, Array, Probabilities, activate
from annolooop.model.numeric import neighbours, unit_length

REPEATS, FOLDS = 5, 10  # cross-validations, and of each
NEIGHBOURS = 20
NEARNESS = 0.1  # a neighbour counts exp(cosine / NEARNESS)
PRIOR = 0.02  # of a label that no neighbour has


@dataclass(frozen=True)
class Doubt:
    """What speaks against the labels of n images.

    Attributes:
        probabilities: (n, k) of each label, by heads that did not learn from the image.
        confidence: (n,) the probability of the label that the image has; with multiple choice, that
            of the answer about the label that is most in doubt.
        suggested: (n, k) bool, the labels that an image seems to have.
    """

    probabilities: Probabilities
    confidence: NDArray[np.float64]
    suggested: Targets


def doubt_labels(embeddings: Array, targets: Targets, multiple: bool, seed: int) -> Doubt | None:
    """Look for labels that do not fit their images.

    Args:
        embeddings: (n, d) float32.
        targets: (n, k) bool, the labels that they have.
        multiple: images may have any number of labels.
        seed: of the folds.

    Returns:
        ``None`` with too few images for a cross-validation.
    """
    out_of_fold = out_of_fold_logits(embeddings, targets, multiple, seed, FOLDS, REPEATS)
    if out_of_fold is None:
        return None
    calibrated = [
        activate(logits / fit_temperature(logits, targets, multiple), multiple)
        for logits in out_of_fold
    ]
    head, near = np.mean(calibrated, axis=0), of_neighbours(embeddings, targets, multiple)
    probabilities = _together(head, near, multiple)
    rows = np.arange(len(targets))
    if multiple:
        own = np.where(targets, probabilities, 1 - probabilities)
        worst = own.argmin(axis=1)
        suggested = targets.copy()
        suggested[rows, worst] = probabilities[rows, worst] >= THRESHOLD
        return Doubt(probabilities, own[rows, worst], suggested)
    suggested = np.zeros_like(targets)
    suggested[rows, probabilities.argmax(axis=1)] = True
    return Doubt(probabilities, probabilities[targets], suggested)


def of_neighbours(embeddings: Array, targets: Targets, multiple: bool) -> Probabilities:
    """(n, k) how probable each label of an image is by those of its nearest others."""
    x = unit_length(embeddings - embeddings.mean(axis=0))
    which, distance = neighbours(x, x, min(NEIGHBOURS, len(x) - 1), skip_self=True)
    cosine = 1 - distance.astype(np.float64) / 2
    weight = np.exp(cosine / NEARNESS)
    share = np.zeros(targets.shape)
    for rank in range(which.shape[1]):
        share += weight[:, rank, None] * targets[which[:, rank]]
    share /= weight.sum(axis=1, keepdims=True)
    kinds = 2 if multiple else targets.shape[1]
    return np.asarray((share + PRIOR) / (1 + PRIOR * kinds))


def _together(first: Probabilities, second: Probabilities, multiple: bool) -> Probabilities:
    """The geometric mean of two opinions."""
    yes = np.sqrt(first * second)
    no = np.sqrt((1 - first) * (1 - second)) if multiple else 0.0
    total = yes + no if multiple else yes.sum(axis=1, keepdims=True)
    return np.asarray(yes / np.maximum(total, 1e-300))


def find_overlaps(doubt: Doubt, targets: Targets) -> list[tuple[int, int, int]]:
    """Pairs of labels whose images look alike (single choice), the most frequent first.

    An image with one label counts for a pair when the other one is more probable, and no
    less than it is on average for images that have it (Northcutt's confident joint).

    Returns:
        Two columns of ``targets``, the lower first, and how many images of one look like the other.
    """
    label, seems = targets.argmax(axis=1), doubt.suggested.argmax(axis=1)
    counts: dict[tuple[int, int], int] = {}
    for column in range(targets.shape[1]):
        own = label == column
        if not own.any():
            continue
        usual = doubt.probabilities[own, column].mean()
        looks = (seems == column) & ~own & (doubt.probabilities[:, column] >= usual)
        for other in label[looks].tolist():
            pair = (min(column, other), max(column, other))
            counts[pair] = counts.get(pair, 0) + 1
    return sorted(((a, b, n) for (a, b), n in counts.items()), key=lambda row: -row[2])
