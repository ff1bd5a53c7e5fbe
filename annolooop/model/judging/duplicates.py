"""Which images show nearly the same picture, by their embeddings.

Two images are near when their embeddings, scaled to length 1, are closer than a limit that follows
from the data; a group is what such pairs connect. It is exact up to :data:`EXACT_UP_TO` images,
and approximate above: there an image is compared only with those around the few centres nearest
to it. Memory holds :data:`AXES` numbers an image; whole embeddings are read in parts.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from annolooop.model.numeric import (
    Indices,
    Vectors,
    kmeans,
    leading_axes,
    neighbours,
    sample_indices,
    squared_distances,
    unit_length,
)

EXACT_UP_TO = 50_000  # images; the time grows with the square
SAMPLE = 2000  # rows that the limit and the axes are taken from
AXES = 128  # a pair is compared along these first, which never puts it farther apart; half above
ROWS_AT_ONCE = 4096  # that are read
ROWS_AT_A_TIME = 512  # rows that are compared at a time
PAIRS_AT_ONCE = 1_000_000  # pairs of a block that are looked at together
CELL = 1000  # images around one centre
PROBES = 3  # centres around which an image is looked for
CELL_ROWS = 50  # rows sampled for each centre
AROUND = 0.05  # share of the images that are an image's neighbourhood
NEIGHBOURS = 2  # at least, of that neighbourhood
SHARE = 0.5  # the limit is at most this part of the median distance to the end of it
FARTHEST = 0.34  # and at most this part of the distance of two random images
NOISE = 0.03  # what rounding to bf16 does to an embedding of length 1: the limit is not below
QUIET = 0.033  # the lower of that and this part of the distance of two random images
LARGEST = 0.1  # share of the images above which a group is taken for a chain
NEVER_A_CHAIN = 5  # images that are never taken for a chain


class Rows(Protocol):
    """Embeddings, (n, d) float32: an array, or an object that reads rows when they are indexed."""

    def __len__(self) -> int: ...
    def __getitem__(self, indices: Indices) -> Vectors: ...


class Near(NamedTuple):
    """Groups of images.

    Attributes:
        groups: (n,) int64, the number of each row's group, which is its first row.
        limit: distance below which a pair is near, 0 to 2.
        exact: no pair was missed.
    """

    groups: Indices
    limit: float
    exact: bool


def near_groups(rows: Rows, limit: float | None = None, seed: int = 0) -> Near:
    """Group rows that are near each other, directly or by others (single linkage).

    What single linkage may do is to chain: pictures that change little by little become one group.
    A group of more than a tenth of the rows is therefore split, by a limit half as high, as often
    as it takes; only what rounding may explain stays together, however much it is.

    Args:
        rows: (n, d) float32.
        limit: distance of embeddings of length 1 below which two are near; default:
            :func:`limits` of a sample.
        seed: of the sample and of the centres.
    """
    count = len(rows)
    if count < 2:
        return Near(np.arange(count), limit or 0.0, True)
    rng = np.random.default_rng(seed)
    sample = _sample(rows, rng)
    default, floor = limits(sample)
    limit = default if limit is None else limit
    view = _View(rows, sample, rng)
    most = max(NEVER_A_CHAIN, int(LARGEST * count))
    groups = _split_large(view, np.arange(count), limit, floor, most, rng)
    return Near(groups, limit, count <= EXACT_UP_TO)


def near_limit(rows: Rows, seed: int = 0) -> float:
    """Distance of embeddings of length 1 below which two of these, (n, d), are near-duplicates."""
    return limits(_sample(rows, np.random.default_rng(seed)))[0] if len(rows) > 1 else 0.0


def _sample(rows: Rows, rng: np.random.Generator) -> Vectors:
    return unit_length(rows[sample_indices(len(rows), SAMPLE, rng)])


def limits(sample: Vectors) -> tuple[float, float]:
    """Distances of embeddings, (n, d) of length 1: of the same picture, and of the same pixels.

    The first is what two images must be below to be near-duplicates, the second what rounding
    alone may put between them.

    It is a third of how far two random images are. What a JPEG of low quality, another size or a
    small crop does to an embedding is less, and the next photo of another thing is farther. Where
    images differ in a few ways only, their neighbours are nearer than that: then it is half of how
    far those are, so that pictures which are all alike are not all duplicates. (cleanlab takes a
    part of the distance to the nearest alone, in the issue ``near_duplicate`` of its Datalab: where
    each image has a copy, that is the distance of the copies.)
    """
    centred = sample - sample.mean(axis=0)
    distances = np.sqrt(squared_distances(centred, centred))
    if len(sample) <= NEIGHBOURS:  # there is nothing to compare the distance of two with
        return NOISE, NOISE
    order = min(len(sample) - 1, max(NEIGHBOURS, round(AROUND * len(sample))))
    around = np.median(np.partition(distances, order, axis=1)[:, order])
    apart = np.median(distances[np.triu_indices(len(sample), 1)])
    floor = min(NOISE, QUIET * apart)
    return float(max(floor, min(SHARE * around, FARTHEST * apart))), float(floor)


class _View:
    """Rows of length 1: whole ones are read when needed; in memory, only those along a few axes."""

    def __init__(self, rows: Rows, sample: Vectors, rng: np.random.Generator) -> None:
        self._rows = rows
        mean = sample.mean(axis=0)
        count = AXES if len(rows) <= EXACT_UP_TO else AXES // 2
        axes = leading_axes(sample - mean, count, rng)
        self.short = np.empty((len(rows), axes.shape[1]), np.float32)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            indices = np.arange(first, min(first + ROWS_AT_ONCE, len(rows)))
            self.short[indices] = (unit_length(rows[indices]) - mean) @ axes

    def near(self, one: Indices, other: Indices, limit: float) -> NDArray[np.bool_]:
        """(k,) whether the rows of k pairs are closer than the limit; k is at most half of
        ``ROWS_AT_ONCE``.
        """
        indices, back = np.unique(np.concatenate([one, other]), return_inverse=True)
        whole = unit_length(self._rows[indices])
        apart = whole[back[: len(one)]] - whole[back[len(one) :]]
        return np.asarray(np.einsum("ij,ij->i", apart, apart) < limit * limit)


class _Groups:
    """Which rows are connected: each points to another of its group, or to itself."""

    def __init__(self, count: int) -> None:
        self._above = np.arange(count)

    def of(self, indices: Indices) -> Indices:
        """(k,) group of each of k rows: its first row."""
        found = self._above[indices]
        while not np.array_equal(above := self._above[found], found):
            found = above
        self._above[indices] = found
        return found

    def join(self, one: Indices, other: Indices) -> None:
        """Connect pairs of rows."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        first, second = self.of(one), self.of(other)
        known, numbers = np.unique(np.concatenate([first, second]), return_inverse=True)
        edges = np.ones(len(one), bool), (numbers[: len(one)], numbers[len(one) :])
        count, parts = connected_components(coo_array(edges, shape=(len(known),) * 2), False)
        lowest = np.full(count, len(self._above))
        np.minimum.at(lowest, parts, known)
        self._above[known] = lowest[parts]


def _split_large(
    view: _View,
    indices: Indices,
    limit: float,
    floor: float,
    most: int,
    rng: np.random.Generator,
) -> Indices:
    """(k,) group of each of k rows: its first one; large groups are split by lower limits."""
    groups = _connected(view, indices, limit, rng)
    if limit / 2 < floor:
        return groups
    names, sizes = np.unique(groups, return_counts=True)
    for name in names[sizes > most]:
        inside = np.flatnonzero(groups == name)
        groups[inside] = _split_large(view, indices[inside], limit / 2, floor, most, rng)
    return groups


def _connected(view: _View, indices: Indices, limit: float, rng: np.random.Generator) -> Indices:
    groups = _Groups(len(view.short))
    if len(indices) <= EXACT_UP_TO:
        _compare(view, groups, indices, indices[:0], limit)
    else:
        for home, guests in _cells(view.short, indices, rng):
            _compare(view, groups, home, guests, limit)
    return groups.of(indices)


def _cells(
    short: Vectors, indices: Indices, rng: np.random.Generator
) -> Iterator[tuple[Indices, Indices]]:
    """Rows around each centre, and rows to which it is one of the next nearest."""
    count = max(2, len(indices) // CELL)
    sample = sample_indices(len(indices), CELL_ROWS * count, rng)
    _, centres = kmeans(short[indices[sample]], count, rng)
    probes = min(PROBES, count)
    nearest, _ = neighbours(short[indices], centres, probes)
    order = np.argsort(nearest, axis=None, kind="stable")
    bounds = np.searchsorted(nearest.ravel()[order], np.arange(count + 1))
    for first, end in pairwise(bounds.tolist()):
        rows, ranks = np.divmod(order[first:end], probes)
        yield indices[rows[ranks == 0]], indices[rows[ranks > 0]]


def _compare(view: _View, groups: _Groups, home: Indices, guests: Indices, limit: float) -> None:
    """Connect what is near: rows at home with each other, and with guests.

    Rows that are connected already are not compared where a whole block of them is: so many copies
    of one picture take no longer than as many different ones.
    """
    joined = False
    while len(home):
        if joined:
            home = home[np.argsort(groups.of(home), kind="stable")]
        block, others = home[:ROWS_AT_A_TIME], np.concatenate([home, guests])
        home = home[ROWS_AT_A_TIME:]
        known = groups.of(block)
        if (known == known[0]).all():
            others = others[groups.of(others) != known[0]]
        joined = bool(len(others)) and _connect(view, groups, block, others, limit)


def _connect(view: _View, groups: _Groups, block: Indices, others: Indices, limit: float) -> bool:
    """Connect a block with other rows; returns whether anything was."""
    # Rounding may add a little to what is about 0.
    near = squared_distances(view.short[block], view.short[others]) < limit * limit + 1e-5
    near &= groups.of(block)[:, None] != groups.of(others)
    if np.count_nonzero(near) <= PAIRS_AT_ONCE:
        rows, columns = np.nonzero(near)
        return _verify(view, groups, block[rows], others[columns], limit)
    joined = False
    for row, index in enumerate(block):
        columns = np.flatnonzero(near[row])
        columns = columns[groups.of(others[columns]) != groups.of(block[row : row + 1])]
        joined |= _verify(view, groups, np.full(len(columns), index), others[columns], limit)
    return joined


def _verify(view: _View, groups: _Groups, one: Indices, other: Indices, limit: float) -> bool:
    """Connect those of the pairs whose whole embeddings are near; returns whether any was."""
    joined = False
    for first in range(0, len(one), ROWS_AT_ONCE // 2):
        part = slice(first, first + ROWS_AT_ONCE // 2)
        a, b = one[part], other[part]
        open_ = groups.of(a) != groups.of(b)
        a, b = a[open_], b[open_]
        if len(a):
            near = view.near(a, b, limit)
            if near.any():
                groups.join(a[near], b[near])
                joined = True
    return joined
