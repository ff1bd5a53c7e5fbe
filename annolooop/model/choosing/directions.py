"""Embeddings as directions, in which strategies measure how far images lie apart."""

from dataclasses import dataclass

import numpy as np

from annolooop.model.choosing.pool import Pool
from annolooop.model.numeric import Vectors, leading_axes, sample_indices, unit_length

AXES = 128  # principal axes that are kept: the rest is mostly noise, and costs time
SAMPLED = 2_000  # rows from which the axes are computed


@dataclass(frozen=True)
class Directions:
    """Candidates and labelled images as directions from their common mean.

    Attributes:
        points: (n, r) float32, of the candidates, each of length 1, in principal axes.
        labelled: (m, r), of the labelled images.
    """

    points: Vectors
    labelled: Vectors

    @classmethod
    def of(cls, pool: Pool, rng: np.random.Generator) -> "Directions":
        """Turned to the principal axes of a sampled part, and scaled to length 1.

        Cosine distances fit what a network's last layer gives better than Euclidean ones, where
        the length says how much there is to see rather than what.
        """
        rows = pool.embeddings
        part = rows[sample_indices(len(rows), SAMPLED, rng)]
        mean = part.mean(axis=0)
        axes = leading_axes(part - mean, AXES, rng)
        return cls(_along(rows, mean, axes), _along(pool.labelled, mean, axes))


def _along(rows: Vectors, mean: Vectors, axes: Vectors) -> Vectors:
    """(n, r) of length 1, by (d, r) axes from a mean (d,)."""
    if not len(rows):
        return np.zeros((0, axes.shape[1]), np.float32)
    return unit_length(rows @ axes - mean @ axes)
