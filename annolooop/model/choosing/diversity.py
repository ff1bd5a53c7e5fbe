"""Strategies that look at where images lie: representative ones, different ones, or both."""

from collections.abc import Iterator

import numpy as np

from annolooop.model.choosing.directions import Directions
from annolooop.model.choosing.pool import Pool, Probabilities
from annolooop.model.choosing.uncertainty import ambiguity
from annolooop.model.numeric import (
    Indices,
    Vectors,
    draw_index,
    kmeans,
    nearest,
    neighbours,
    sample_indices,
    squared_distances,
)

NEIGHBOURS = 20  # whose mean distance makes an image typical
MOST_CLUSTERS = 500
WIDER = 5  # clustered margin looks at so many times more candidates than it chooses
MEMBERS = 1_000  # of a cluster, sampled, among which neighbours are looked for


def typiclust(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """The most typical image of each large cluster without a label (Hacohen et al. 2022).

    As many clusters as there will be labels. Typicality is the inverse of the mean distance from
    the nearest neighbours in the cluster.
    """
    directions = Directions.of(pool, rng)
    n, m = len(directions.points), len(directions.labelled)
    clusters = max(1, min(m + count, MOST_CLUSTERS, n))
    which, centres = kmeans(directions.points, clusters, rng)
    labels = np.bincount(nearest(directions.labelled, centres)[0], minlength=clusters)
    sizes = np.bincount(which, minlength=clusters)
    waiting: dict[int, list[int]] = {}
    while sizes.any():
        # The fewest labels first, then the most images.
        filled = np.flatnonzero(sizes)
        cluster = int(filled[np.lexsort((-sizes[filled], labels[filled]))[0]])
        if cluster not in waiting:
            members = np.flatnonzero(which == cluster)
            waiting[cluster] = members[by_typicality(directions.points[members], rng)].tolist()
        yield waiting[cluster].pop(0)
        labels[cluster] += 1
        sizes[cluster] -= 1


def by_typicality(points: Vectors, rng: np.random.Generator) -> Indices:
    """The order of the points of one cluster, the most typical first."""
    others = points[sample_indices(len(points), MEMBERS, rng)]
    _, distance = neighbours(points, others, min(NEIGHBOURS + 1, len(others)))
    return np.argsort(np.sqrt(distance).mean(axis=1), kind="stable")


def coreset(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """The image farthest from all that are labelled or chosen: k-centre greedy (Sener & Savarese
    2018). The first of all is the one nearest to the mean.
    """
    points, labelled = pool.embeddings, pool.labelled
    _, distance = nearest(points, labelled)
    left = np.ones(len(points), bool)
    for number in range(len(points)):
        if not number and not len(labelled):
            chosen = int(squared_distances(points, points.mean(axis=0, keepdims=True)).argmin())
        else:
            chosen = int(np.where(left, distance, -1).argmax())
        yield chosen
        left[chosen] = False
        to_chosen = squared_distances(points, points[chosen : chosen + 1])[:, 0]
        distance = np.minimum(distance, to_chosen)


def badge(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """k-means++ on the gradients that the predicted labels would give the head (Ash et al. 2020).

    Such a gradient is the outer product of an error (k,) and an embedding (d,), and is never made:
    the product of two is that of their errors times that of their embeddings.
    """
    predicted = pool.probabilities
    assert predicted is not None
    guess = (
        predicted >= 0.5 if pool.multiple else np.eye(predicted.shape[1])[predicted.argmax(axis=1)]
    )
    error = (predicted - guess).astype(np.float32)
    x = pool.embeddings
    length = np.einsum("ij,ij->i", error, error) * np.einsum("ij,ij->i", x, x)
    distance, left = np.full(len(x), np.inf, np.float32), np.ones(len(x), bool)
    for number in range(len(x)):
        if number == 0:  # the longest gradient, as the authors' code does
            chosen = int(length.argmax())
        elif (drawn := draw_index(np.where(left, distance, 0), rng)) is not None:
            chosen = drawn
        else:
            chosen = int(np.flatnonzero(left)[0])
        yield chosen
        left[chosen] = False
        product = (error @ error[chosen]) * (x @ x[chosen])
        distance = np.minimum(distance, np.maximum(length + length[chosen] - 2 * product, 0))


def clustered_margin(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Small margins that differ from each other (after Citovsky et al. 2021).

    Of the candidates with the smallest margins, ``WIDER`` times as many as are asked for, k-means
    weighted by 1 - margin makes a group for each (as Zhdanov 2019 weights); from each group comes
    the smallest margin, then from each the second smallest.
    """
    assert pool.probabilities is not None
    unsure = ambiguity(pool.probabilities, pool.multiple)
    yield from grouped(Directions.of(pool, rng).points, unsure, count, rng)


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
        last_rank: dict[int, int] = {}
        for place, group in enumerate(which.tolist()):  # the smallest margin first
            rank[place] = last_rank[group] = last_rank.get(group, -1) + 1
        yield from few[np.argsort(rank, kind="stable")].tolist()
    yield from order[wider * count :].tolist()
