"""Embeddings in two dimensions, for the eye."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from annolooop.model.numeric import Vectors, leading_axes

Points = NDArray[np.float64]
AXES = 50  # principal axes that neighbours are looked for in
STEPS = 500
LEAST = 12  # images below which neighbours mean nothing


def project(vectors: Vectors, seed: int) -> tuple[Points, str]:
    """Points (n, 2) for (n, d) embeddings, so that those that are close stay close; and how.

    By t-SNE (van der Maaten 2008) on the 50 principal axes, begun from the first two of them, so
    the same embeddings give the same picture. On one thread: several that share busy cores take
    ten times as long. With fewer than 12 images, the first two principal axes are the picture.
    """
    with threadpool_limits(1):
        centred = vectors - vectors.mean(axis=0)
        axes = centred @ leading_axes(centred, AXES, np.random.default_rng(seed))
        if len(vectors) < LEAST:
            return _two(axes), "two principal axes: too few images for more"
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(vectors) - 1) / 3)
        tsne: Any = TSNE(
            2, perplexity=perplexity, init="pca", max_iter=STEPS, random_state=seed, n_jobs=1
        )
        return np.asarray(tsne.fit_transform(axes), np.float64), "t-SNE"


def _two(axes: Vectors) -> Points:
    two = np.pad(axes, ((0, 0), (0, max(0, 2 - axes.shape[1]))))[:, :2]
    return two.astype(np.float64)
