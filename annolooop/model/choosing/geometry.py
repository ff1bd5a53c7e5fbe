"""Distances, principal axes and clusters of embeddings.

Everything is products of float32 matrices, in blocks, so that 50,000 embeddings stay below a few
hundred MB and 20,000 take seconds.
"""

from dataclasses import dataclass

import numpy as np

from annolooop.model.choosing.pool import Places, Pool, Vectors

AXES = 128  # principal axes that are kept: the rest is mostly noise, and costs time
SPARE, POWERS = 16, 2  # columns and rounds more than there are axes, to find them
LEARNT_FROM = 2_000  # rows, drawn, from which axes and distances are told
BLOCK = 2_048  # rows of a table of distances in memory at once
ROUNDS = 15  # of k-means, at most
CLUSTERED = 10_000  # rows, drawn, that k-means learns from


@dataclass(frozen=True)
class Space:
    """Candidates and labelled images as directions from their common mean.

    Attributes:
        points: (n, r) float32, of the candidates, each of length 1, in principal axes.
        known: (m, r), of the labelled images.
    """

    points: Vectors
    known: Vectors

    @classmethod
    def of(cls, pool: Pool, rng: np.random.Generator) -> "Space":
        """Turned to the principal axes of a drawn part, and scaled to length 1.

        Cosine distances fit what a network's last layer gives better than Euclidean ones, where
        the length says how much there is to see rather than what.
        """
        every = pool.embeddings
        part = sample(every, LEARNT_FROM, rng)
        mean = part.mean(axis=0)
        axes = principal_axes(part - mean, rng)
        return cls(directions(every, mean, axes), directions(pool.labelled, mean, axes))


def directions(rows: Vectors, mean: Vectors, axes: Vectors) -> Vectors:
    """(n, r) of length 1, by (d, r) axes from a mean (d,)."""
    if not len(rows):
        return np.zeros((0, axes.shape[1]), np.float32)
    return unit(rows @ axes - mean @ axes)


def unit(rows: Vectors) -> Vectors:
    """Rows scaled to length 1."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return np.asarray(rows / np.maximum(length, 1e-12), np.float32)


def principal_axes(centred: Vectors, rng: np.random.Generator) -> Vectors:
    """(d, r) float32, at most ``AXES``: about those along which (n, d) rows vary most.

    Found by products with a few drawn columns (Halko, Martinsson & Tropp 2011): exact ones of
    1,280 dimensions take a second.
    """
    n, d = centred.shape
    r = min(AXES, n, d)
    some = rng.standard_normal((d, min(r + SPARE, d)), np.float32)
    for _ in range(POWERS):
        some = np.linalg.qr(centred.T @ (centred @ some))[0]
    _, _, turned = np.linalg.svd(centred @ some, full_matrices=False)
    return np.asarray(some @ turned[:r].T, np.float32)


def sample(rows: Vectors, count: int, rng: np.random.Generator) -> Vectors:
    """At most so many rows, drawn."""
    return rows[drawn(len(rows), count, rng)]


def drawn(n: int, count: int, rng: np.random.Generator) -> Places:
    """At most ``count`` of n places, drawn, in order."""
    return np.sort(rng.choice(n, count, replace=False)) if n > count else np.arange(n)


def squared(a: Vectors, b: Vectors) -> Vectors:
    """(n, m) squared distances of (n, d) from (m, d)."""
    table = a @ b.T
    table *= -2
    table += np.einsum("ij,ij->i", a, a)[:, None]
    table += np.einsum("ij,ij->i", b, b)
    return np.asarray(np.maximum(table, 0, out=table), np.float32)


def nearest(rows: Vectors, centres: Vectors) -> tuple[Places, Vectors]:
    """Of each row, (n,), the nearest centre and the squared distance from it."""
    which, far = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf, np.float32)
    for start in range(0, len(rows) if len(centres) else 0, BLOCK):
        part = slice(start, start + BLOCK)
        table = squared(rows[part], centres)
        which[part] = table.argmin(axis=1)
        far[part] = table.min(axis=1)
    return which, far


def kmeans(
    rows: Vectors, count: int, rng: np.random.Generator, weights: Vectors | None = None
) -> tuple[Places, Vectors]:
    """Clusters of rows: Lloyd's iterations from a k-means++ start (Arthur & Vassilvitskii 2007).

    Args:
        rows: (n, d); of many, a drawn part decides where the centres are.
        count: clusters, at most n.
        weights: (n,), how much each row counts.

    Returns:
        (n,) the cluster of each row, and (count, d) the centres.
    """
    weights = np.ones(len(rows), np.float32) if weights is None else weights
    part = drawn(len(rows), max(CLUSTERED, 2 * count), rng)
    points, weight = rows[part], weights[part]
    centres = points[plus_plus(points, count, rng, weight)]
    before = None
    for _ in range(ROUNDS):
        which, _ = nearest(points, centres)
        if before is not None and np.array_equal(which, before):
            break
        before = which
        centres = _means(points, which, weight, centres)
    return nearest(rows, centres)[0], centres


def _means(points: Vectors, which: Places, weight: Vectors, before: Vectors) -> Vectors:
    """Weighted means of clusters; one that lost all its points stays."""
    order = np.argsort(which, kind="stable")
    starts = np.flatnonzero(np.diff(which[order], prepend=-1))
    sums = np.add.reduceat(points[order] * weight[order, None], starts, axis=0)
    total = np.add.reduceat(weight[order], starts)[:, None]
    centres = before.copy()
    centres[which[order][starts]] = sums / np.maximum(total, 1e-12)
    return centres


def plus_plus(rows: Vectors, count: int, rng: np.random.Generator, weight: Vectors) -> Places:
    """Rows drawn by weight times squared distance from those drawn before."""
    far: Vectors = np.full(len(rows), np.inf, np.float32)
    picked: list[int] = []
    for _ in range(min(count, len(rows))):
        chance = weight * (far if picked else 1)
        chance[picked] = 0
        place = draw(chance, rng)
        if place is None:  # all that is left lies on what was drawn
            place = int(np.setdiff1d(np.arange(len(rows)), picked)[0])
        picked.append(place)
        far = np.minimum(far, squared(rows, rows[picked[-1:]])[:, 0])
    return np.array(picked, np.intp)


def draw(chance: Vectors, rng: np.random.Generator) -> int | None:
    """A place, as likely as it says; ``None`` where all say 0."""
    upto = chance.cumsum(dtype=np.float64)
    if not upto[-1] > 0:
        return None
    return int(np.searchsorted(upto, rng.random() * upto[-1], side="right"))
