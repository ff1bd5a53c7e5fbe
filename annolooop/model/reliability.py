"""Whether confidence is what it says: predictions in bins."""

import numpy as np
from numpy.typing import NDArray

from annolooop.model.head import THRESHOLD, Probabilities
from annolooop.model.metrics import wilson
from annolooop.records import Bin, Estimate

BINS = 10


def bins(
    probabilities: Probabilities, targets: NDArray[np.bool_], multiple: bool
) -> tuple[Bin, ...]:
    """Predictions by confidence, in ten bins of the same width; empty ones are left out.

    Args:
        probabilities: (n, labels).
        targets: (n, labels), what is right.
        multiple: each label of an image is a prediction for itself.
    """
    if multiple:
        chosen = probabilities >= THRESHOLD
        confidence = np.where(chosen, probabilities, 1 - probabilities).ravel()
        right = (chosen == targets).ravel()
    else:
        best = probabilities.argmax(axis=1)
        rows = np.arange(len(best))
        confidence, right = probabilities[rows, best], targets[rows, best]
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    found = []
    for place in np.unique(places):
        here = places == place
        n, good = int(here.sum()), int(right[here].sum())
        share = Estimate(good / n, *wilson(good, n))
        found.append(Bin(n, float(confidence[here].mean()), share))
    return tuple(found)
