"""Distances, nearest neighbours, principal axes, k-means and softmax, for all of the model.

Products of float32 matrices, in blocks, so that 50,000 embeddings stay below a few hundred MB and
20,000 take seconds. Only k-means is scikit-learn's: importing that takes 0.6 s or more, longer than
all else here takes, and ``infer --query`` and ``train`` wait for these functions.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Indices = NDArray[np.intp]
Logits = NDArray[np.floating]

TABLE_ROWS = 2_048  # rows of a distance table in memory at once,
SORTED_BLOCK = 512  # fewer where it is partly sorted, for indices are wide
EXTRA_COLUMNS, POWER_ITERATIONS = 16, 2  # of the search for the leading axes
NEGLIGIBLE = 1e-10  # variance along an axis, relative to the first, that counts as none
KMEANS_ROUNDS = 15  # at most
KMEANS_ROWS = 10_000  # rows, sampled, that decide where the centres are


def unit_length(rows: Vectors) -> Vectors:
    """Rows (n, d) scaled to length 1; a row of zeros stays one."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return np.asarray(rows / np.maximum(length, 1e-12), np.float32)


def sample_indices(n: int, count: int, rng: np.random.Generator) -> Indices:
    """At most ``count`` of the numbers below n, drawn without replacement, in order."""
    return np.sort(rng.choice(n, count, replace=False)) if n > count else np.arange(n)


def draw_index(weight: Vectors, rng: np.random.Generator) -> int | None:
    """An index, drawn with a probability in proportion to its weight; ``None`` if all are 0."""
    upto = weight.cumsum(dtype=np.float64)
    if not upto[-1] > 0:
        return None
    return int(np.searchsorted(upto, rng.random() * upto[-1], side="right"))


def squared_distances(a: Vectors, b: Vectors) -> Vectors:
    """(n, m) squared distances of (n, d) from (m, d)."""
    table = a @ b.T
    table *= -2
    table += np.einsum("ij,ij->i", a, a)[:, None]
    table += np.einsum("ij,ij->i", b, b)
    return np.asarray(np.maximum(table, 0, out=table), np.float32)


def nearest(rows: Vectors, centres: Vectors) -> tuple[Indices, Vectors]:
    """Of each of n rows, (n,), the nearest centre and the squared distance from it."""
    which, distance = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf, np.float32)
    for start in range(0, len(rows) if len(centres) else 0, TABLE_ROWS):
        part = slice(start, start + TABLE_ROWS)
        table = squared_distances(rows[part], centres)
        which[part] = table.argmin(axis=1)
        distance[part] = table.min(axis=1)
    return which, distance


def neighbours(
    rows: Vectors, others: Vectors, count: int, skip_self: bool = False
) -> tuple[Indices, Vectors]:
    """Of each of n rows, (n, count), the nearest others, nearest first, and squared distances.

    Args:
        rows: (n, d).
        others: (m, d).
        count: how many, at most m.
        skip_self: row i is the i-th of the others, and no neighbour of itself.
    """
    which = np.empty((len(rows), count), np.intp)
    distance = np.empty((len(rows), count), np.float32)
    for start in range(0, len(rows) if count else 0, SORTED_BLOCK):
        part = slice(start, start + SORTED_BLOCK)
        table = squared_distances(rows[part], others)
        if skip_self:
            own = np.arange(len(table))
            table[own, start + own] = np.inf
        found = np.argpartition(table, count - 1, axis=1)[:, :count]
        apart = np.take_along_axis(table, found, axis=1)
        order = np.argsort(apart, axis=1, kind="stable")
        which[part] = np.take_along_axis(found, order, axis=1)
        distance[part] = np.take_along_axis(apart, order, axis=1)
    return which, distance


def leading_axes(centred: Vectors, count: int, rng: np.random.Generator) -> Vectors:
    """(d, r) float32, r at most ``count``: about those axes along which (n, d) rows vary most.

    Found by products with a few random columns (Halko, Martinsson & Tropp 2011): the exact axes of
    2,000 rows of 1,280 dimensions take five to twenty times as long. The widest comes first.
    """
    n, d = centred.shape
    r = min(count, n, d)
    basis = rng.standard_normal((d, min(r + EXTRA_COLUMNS, d)), np.float32)
    for _ in range(POWER_ITERATIONS):
        basis = np.linalg.qr(centred.T @ (centred @ basis))[0]
    _, _, turn = np.linalg.svd(centred @ basis, full_matrices=False)
    return np.asarray(basis @ turn[:r].T, np.float32)


def all_axes(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All principal axes of (n, d) rows: the sum of squares along each, (r,), and axes, (d, r).

    Exact. Axes along which nothing varies are left out; the narrowest comes first.
    """
    from scipy.linalg import eigh

    wide = centred.shape[1] > len(centred)
    squares, vectors = eigh(centred @ centred.T if wide else centred.T @ centred)
    kept = squares > NEGLIGIBLE * max(float(squares[-1]), 1e-300)
    squares, vectors = squares[kept], vectors[:, kept]
    return squares, (centred.T @ vectors) / np.sqrt(squares) if wide else vectors


def kmeans(
    rows: Vectors, count: int, rng: np.random.Generator, weights: Vectors | None = None
) -> tuple[Indices, Vectors]:
    """Clusters of rows: Lloyd's iterations from a k-means++ start (Arthur & Vassilvitskii 2007).

    Args:
        rows: (n, d); of many, a sampled part decides where the centres are.
        count: clusters, at most n.
        weights: (n,), how much each row counts.

    Returns:
        (n,) the cluster of each row, and (count, d) the centres.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    part = sample_indices(len(rows), max(KMEANS_ROWS, 2 * count), rng)
    seed = int(rng.integers(2**31))
    fit = KMeans(count, n_init=1, max_iter=KMEANS_ROUNDS, random_state=seed)
    # Several threads would add up in whatever order they end, and the same seed give another sum.
    with warnings.catch_warnings(), threadpool_limits(1, "openmp"):
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        fit.fit(rows[part], sample_weight=None if weights is None else weights[part])
    centres = np.asarray(fit.cluster_centers_, np.float32)
    return nearest(rows, centres)[0], centres


def softmax(logits: Logits, axis: int) -> Logits:
    """Probabilities that add up to 1 along an axis."""
    exponents = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=axis, keepdims=True))


def sigmoid(logits: Logits) -> Logits:
    """Probabilities, each for itself; without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)))
