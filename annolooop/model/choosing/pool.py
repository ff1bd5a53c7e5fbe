"""What a strategy gets, and what it returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annolooop.model.numeric import Indices, Vectors

Probabilities = NDArray[np.float64]
Targets = NDArray[np.bool_]

CANDIDATES = 50_000  # most rows of a pool; whoever has more images thins them out before


@dataclass(frozen=True)
class Pool:
    """Images that may be asked about, and those whose labels are known.

    Attributes:
        embeddings: (n, d) float32, of the candidates; at most ``CANDIDATES``.
        probabilities: (n, k), the head's predictions for them; ``None`` while it is untrained.
        labelled: (m, d) float32, of the labelled images of the training part.
        targets: (m, k) bool, the labels of these.
        multiple: an image may have any number of labels; else exactly one.
        accuracy: of the head, cross-validated; ``None`` where it is not known.
        near: distance of embeddings of length 1 below which two images are near-duplicates; at 0,
            only those with the same embedding are.
    """

    embeddings: Vectors
    probabilities: Probabilities | None
    labelled: Vectors
    targets: Targets
    multiple: bool = False
    accuracy: float | None = None
    near: float = 0.0


@dataclass(frozen=True)
class Selection:
    """Which candidates to ask about.

    Attributes:
        order: (count,) rows of the pool, best first, none twice. Fewer where the pool has no
            more that differ from each other and from what is labelled.
        used: the strategy that chose: that of ``auto``, or ``random`` where one needs a head and
            there is none yet.
        why: the reason for that, in words.
    """

    order: Indices
    used: str
    why: str = ""
