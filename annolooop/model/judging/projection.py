"""Embeddings in two dimensions, for the eye."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Vectors = NDArray[np.float32]
Places = NDArray[np.float64]
AXES = 50  # principal axes that neighbours are looked for in
STEPS = 500
LEAST = 12  # images below which neighbours say nothing


def project(vectors: Vectors, seed: int) -> tuple[Places, str]:
    """Places (n, 2) of (n, d) embeddings, so that those that are close stay close; and how.

    By t-SNE (van der Maaten 2008) on the 50 principal axes, begun from the first two of them, so
    the same embeddings give the same picture. On one thread: several that share busy cores take
    ten times as long. Without scikit-learn, or with fewer than 12 images, the first two principal
    axes are the picture.
    """
    with threadpool_limits(1):
        axes = principal(vectors, min(AXES, *vectors.shape))
        if len(vectors) < LEAST:
            return _two(axes), "two principal axes: too few images for more"
        try:
            from sklearn.manifold import TSNE
        except ImportError:
            return _two(axes), "two principal axes; t-SNE needs pip install 'annolooop[report]'"
        perplexity = min(30.0, (len(vectors) - 1) / 3)
        tsne: Any = TSNE(
            2, perplexity=perplexity, init="pca", max_iter=STEPS, random_state=seed, n_jobs=1
        )
        return np.asarray(tsne.fit_transform(axes), np.float64), "t-SNE"


def principal(vectors: Vectors, count: int) -> Places:
    """The first principal axes of embeddings, (n, count), the widest first."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ directions[:, ::-1][:, :count], np.float64)


def _two(axes: Places) -> Places:
    return np.pad(axes, ((0, 0), (0, max(0, 2 - axes.shape[1]))))[:, :2]
