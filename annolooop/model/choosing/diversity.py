"""Strategies that look at where images lie: representative ones, different ones, or both."""

from collections.abc import Iterator

import numpy as np

from annolooop.model.choosing.geometry import Space, draw, drawn, kmeans, nearest, squared
from annolooop.model.choosing.pool import Places, Pool, Probabilities, Vectors
from annolooop.model.choosing.uncertainty import closeness

NEIGHBOURS = 20  # from which typicality is told
MOST_CLUSTERS = 500
WIDER = 5  # clustered margin looks at so many times more candidates than it chooses
MEMBERS = 1_000  # of a cluster, drawn, among which the most typical one is looked for


def typiclust(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """The most typical image of each large cluster without a label (Hacohen et al. 2022).

    As many clusters as there will be labels. Typicality is the inverse of the mean distance from
    the nearest neighbours in the cluster.
    """
    space = Space.of(pool, rng)
    n, m = len(space.points), len(space.known)
    clusters = max(1, min(m + count, MOST_CLUSTERS, n))
    which, centres = kmeans(space.points, clusters, rng)
    labels = np.bincount(nearest(space.known, centres)[0], minlength=clusters)
    sizes = np.bincount(which, minlength=clusters)
    waiting: dict[int, list[int]] = {}
    while sizes.any():
        # The fewest labels first, then the most images.
        there = np.flatnonzero(sizes)
        cluster = int(there[np.lexsort((-sizes[there], labels[there]))[0]])
        if cluster not in waiting:
            members = np.flatnonzero(which == cluster)
            waiting[cluster] = members[by_typicality(space.points[members], rng)].tolist()
        yield waiting[cluster].pop(0)
        labels[cluster] += 1
        sizes[cluster] -= 1


def by_typicality(points: Vectors, rng: np.random.Generator) -> Places:
    """The places of points of one cluster, the most typical first."""
    others = points[drawn(len(points), MEMBERS, rng)]
    k = min(NEIGHBOURS + 1, len(others))
    near = np.partition(squared(points, others), k - 1, axis=1)[:, :k]
    return np.argsort(np.sqrt(near).mean(axis=1), kind="stable")


def coreset(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """The image farthest from all that are labelled or chosen: k-centre greedy (Sener & Savarese
    2018). The first of all is the one nearest to the mean.
    """
    points, known = pool.embeddings, pool.labelled
    _, far = nearest(points, known)
    left = np.ones(len(points), bool)
    for number in range(len(points)):
        if not number and not len(known):
            place = int(squared(points, points.mean(axis=0, keepdims=True)).argmin())
        else:
            place = int(np.where(left, far, -1).argmax())
        yield place
        left[place] = False
        far = np.minimum(far, squared(points, points[place : place + 1])[:, 0])


def badge(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """k-means++ on the gradients that the predicted labels would give the head (Ash et al. 2020).

    Such a gradient is the outer product of an error (k,) and an embedding (d,), and is never made:
    the product of two is that of their errors times that of their embeddings.
    """
    said = pool.probabilities
    assert said is not None
    guess = said >= 0.5 if pool.multiple else np.eye(said.shape[1])[said.argmax(axis=1)]
    error = (said - guess).astype(np.float32)
    x = pool.embeddings
    length = np.einsum("ij,ij->i", error, error) * np.einsum("ij,ij->i", x, x)
    far, left = np.full(len(x), np.inf, np.float32), np.ones(len(x), bool)
    for number in range(len(x)):
        if number == 0:  # the longest gradient, as the authors' code does
            place = int(length.argmax())
        elif (found := draw(np.where(left, far, 0), rng)) is not None:
            place = found
        else:
            place = int(np.flatnonzero(left)[0])
        yield place
        left[place] = False
        product = (error @ error[place]) * (x @ x[place])
        far = np.minimum(far, np.maximum(length + length[place] - 2 * product, 0))


def clustered_margin(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Small margins that differ from each other (after Citovsky et al. 2021).

    Of the candidates with the smallest margins, ``WIDER`` times as many as are asked for, k-means
    weighted by 1 - margin makes a group for each (as Zhdanov 2019 weights); from each group comes
    the smallest margin, then from each the second smallest.
    """
    assert pool.probabilities is not None
    unsure = closeness(pool.probabilities, pool.multiple)
    yield from grouped(Space.of(pool, rng).points, unsure, count, rng)


def grouped(
    points: Vectors, unsure: Probabilities, count: int, rng: np.random.Generator, wider: int = WIDER
) -> Iterator[int]:
    """From groups of the least sure points, one of each after the other; then all others."""
    order = np.argsort(-unsure, kind="stable")
    few = order[: wider * count]
    if len(few):
        weights = np.asarray(unsure[few], np.float32).clip(1e-6)
        which, _ = kmeans(points[few], min(count, len(few)), rng, weights)
        rank = np.zeros(len(few), np.intp)
        seen: dict[int, int] = {}
        for place, group in enumerate(which.tolist()):  # the smallest margin first
            rank[place] = seen[group] = seen.get(group, -1) + 1
        yield from few[np.argsort(rank, kind="stable")].tolist()
    yield from order[wider * count :].tolist()
