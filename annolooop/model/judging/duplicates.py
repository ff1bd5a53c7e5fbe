"""Which images nearly show the same picture, told by their embeddings.

Two images are near when their embeddings, scaled to length 1, are closer than a limit that follows
from the data; a group is what such pairs connect. It is exact up to :data:`EXACT_UP_TO` images,
and approximate above: there an image is compared only with those around the few centres nearest
to it. Memory holds :data:`AXES` numbers an image; whole embeddings are read in parts.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Places = NDArray[np.int64]
T = TypeVar("T", Array, Places)

EXACT_UP_TO = 50_000  # images; the time grows with the square
SAMPLE = 2000  # rows that the limit and the axes are taken from
AXES = 128  # a pair is compared along these first, which never puts it farther apart; half above
PART = 4096  # rows that are read at a time
BLOCK = 512  # rows that are compared at a time
MANY = 1_000_000  # pairs of a block that are looked at together
CELL = 1000  # images around one centre
PROBES = 3  # centres around which an image is looked for
STEPS = 5  # of k-means
AROUND = 0.05  # share of the images that are an image's neighbourhood,
NEIGHBOURS = 2  # but at least so many of them
SHARE = 0.5  # the limit is never above this part of the distance to the end of it, in the median
FARTHEST = 0.34  # nor above this part of the distance of two random images
NOISE = 0.03  # nor below what rounding to bf16 does to an embedding of length 1,
QUIET = 0.033  # where that is at most this part of the distance of two random images
LARGEST = 0.1  # share of the images above which a group is taken for a chain
FEW = 5  # but never one of so many


class Rows(Protocol):
    """Embeddings, (n, d) float32: an array, or what reads some of its rows when asked for them."""

    def __len__(self) -> int: ...
    def __getitem__(self, places: Places) -> Array: ...


class Near(NamedTuple):
    """Groups of images.

    Attributes:
        groups: (n,) int64, the number of each row's group, which is its first row.
        limit: distance below which a pair is near, 0 to 2.
        exact: no pair was missed.
    """

    groups: Places
    limit: float
    exact: bool


def near_groups(rows: Rows, limit: float | None = None, seed: int = 0) -> Near:
    """Group rows that are near each other, directly or by others (single linkage).

    What single linkage may do is to chain: pictures that change little by little become one group.
    A group of more than a tenth of the rows is therefore parted, by a limit half as high, as often
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
    told, floor = limits(sample)
    limit = told if limit is None else limit
    view = _View(rows, sample)
    most = max(FEW, int(LARGEST * count))
    groups = _parted(view, np.arange(count), limit, floor, most, rng)
    return Near(groups, limit, count <= EXACT_UP_TO)


def near_limit(rows: Rows, seed: int = 0) -> float:
    """Distance of embeddings of length 1 below which two of these, (n, d), are near-duplicates."""
    return limits(_sample(rows, np.random.default_rng(seed)))[0] if len(rows) > 1 else 0.0


def _sample(rows: Rows, rng: np.random.Generator) -> Array:
    chosen = np.sort(rng.choice(len(rows), min(len(rows), SAMPLE), replace=False))
    return _unit(rows[chosen])


def limits(sample: Array) -> tuple[float, float]:
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
    distances = np.sqrt(np.maximum(_squares(centred, centred), 0))
    if len(sample) <= NEIGHBOURS:  # there is nothing to compare the distance of two with
        return NOISE, NOISE
    order = min(len(sample) - 1, max(NEIGHBOURS, round(AROUND * len(sample))))
    around = np.median(np.partition(distances, order, axis=1)[:, order])
    apart = np.median(distances[np.triu_indices(len(sample), 1)])
    floor = min(NOISE, QUIET * apart)
    return float(max(floor, min(SHARE * around, FARTHEST * apart))), float(floor)


def _unit(rows: Array) -> Array:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)


def _squares(one: Array, other: Array) -> Array:
    """(n, m) squared distances; of equal rows about 0, maybe below it."""
    lengths = np.einsum("ij,ij->i", one, one)[:, None] + np.einsum("ij,ij->i", other, other)
    lengths -= 2 * (one @ other.T)
    return np.asarray(lengths, np.float32)


class _View:
    """Rows of length 1, whole from where they are kept, and along a few axes in memory."""

    def __init__(self, rows: Rows, sample: Array) -> None:
        self._rows = rows
        mean = sample.mean(axis=0)
        count = AXES if len(rows) <= EXACT_UP_TO else AXES // 2
        axes = np.linalg.svd(sample - mean, full_matrices=False)[2][:count].T
        self.short = np.empty((len(rows), axes.shape[1]), np.float32)
        for first in range(0, len(rows), PART):
            places = np.arange(first, min(first + PART, len(rows)))
            self.short[places] = (_unit(rows[places]) - mean) @ axes

    def near(self, one: Places, other: Places, limit: float) -> NDArray[np.bool_]:
        """(k,) whether the rows of k pairs are closer than the limit; at most ``PART / 2``."""
        places, back = np.unique(np.concatenate([one, other]), return_inverse=True)
        whole = _unit(self._rows[places])
        apart = whole[back[: len(one)]] - whole[back[len(one) :]]
        return np.asarray(np.einsum("ij,ij->i", apart, apart) < limit * limit)


class _Groups:
    """Which rows are connected: each points to another of its group, or to itself."""

    def __init__(self, count: int) -> None:
        self._above = np.arange(count)

    def of(self, places: Places) -> Places:
        """(k,) group of each of k rows: its first row."""
        found = self._above[places]
        while not np.array_equal(above := self._above[found], found):
            found = above
        self._above[places] = found
        return found

    def join(self, one: Places, other: Places) -> None:
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


def _parted(
    view: _View,
    places: Places,
    limit: float,
    floor: float,
    most: int,
    rng: np.random.Generator,
) -> Places:
    """(k,) group of each of k rows: its first one; large groups are parted by lower limits."""
    groups = _connected(view, places, limit, rng)
    if limit / 2 < floor:
        return groups
    names, sizes = np.unique(groups, return_counts=True)
    for name in names[sizes > most]:
        inside = np.flatnonzero(groups == name)
        groups[inside] = _parted(view, places[inside], limit / 2, floor, most, rng)
    return groups


def _connected(view: _View, places: Places, limit: float, rng: np.random.Generator) -> Places:
    groups = _Groups(len(view.short))
    if len(places) <= EXACT_UP_TO:
        _compare(view, groups, places, places[:0], limit)
    else:
        for home, guests in _cells(view.short, places, rng):
            _compare(view, groups, home, guests, limit)
    return groups.of(places)


def _cells(
    short: Array, places: Places, rng: np.random.Generator
) -> Iterator[tuple[Places, Places]]:
    """Rows around each centre, and rows to which it is one of the next nearest.

    Centres are those of a few steps of Lloyd's k-means on a sample.
    """
    count = max(2, len(places) // CELL)
    sample = short[rng.choice(places, min(len(places), 50 * count), replace=False)]
    centres = sample[:count].copy()
    for _ in range(STEPS):
        nearest = np.concatenate([_nearest(part, centres, 1)[:, 0] for part in _parts(sample)])
        sizes = np.bincount(nearest, minlength=count)
        order = np.argsort(nearest, kind="stable")
        filled = np.flatnonzero(sizes)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])[filled]
        centres[filled] = np.add.reduceat(sample[order], starts) / sizes[filled, None]
    probes = min(PROBES, count)
    nearest = np.concatenate([_nearest(short[part], centres, probes) for part in _parts(places)])
    order = np.argsort(nearest, axis=None, kind="stable")
    bounds = np.searchsorted(nearest.ravel()[order], np.arange(count + 1))
    for first, end in pairwise(bounds.tolist()):
        rows, ranks = np.divmod(order[first:end], probes)
        yield places[rows[ranks == 0]], places[rows[ranks > 0]]


def _parts(rows: T) -> Iterator[T]:
    return (rows[first : first + PART] for first in range(0, len(rows), PART))


def _nearest(rows: Array, centres: Array, count: int) -> Places:
    """(n, count) numbers of the nearest centres, the nearest first."""
    apart = _squares(rows, centres)
    found = np.argpartition(apart, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(apart, found, axis=1), axis=1)
    return np.take_along_axis(found, order, axis=1)


def _compare(view: _View, groups: _Groups, home: Places, guests: Places, limit: float) -> None:
    """Connect what is near: rows at home with each other, and with guests.

    Rows that are connected already are not compared where a whole block of them is: so many copies
    of one picture take no longer than as many different ones.
    """
    joined = False
    while len(home):
        if joined:
            home = home[np.argsort(groups.of(home), kind="stable")]
        block, others = home[:BLOCK], np.concatenate([home, guests])
        home = home[BLOCK:]
        known = groups.of(block)
        if (known == known[0]).all():
            others = others[groups.of(others) != known[0]]
        joined = bool(len(others)) and _connect(view, groups, block, others, limit)


def _connect(view: _View, groups: _Groups, block: Places, others: Places, limit: float) -> bool:
    """Connect a block with other rows; returns whether anything was."""
    # Rounding may add a little to what is about 0.
    near = _squares(view.short[block], view.short[others]) < limit * limit + 1e-5
    near &= groups.of(block)[:, None] != groups.of(others)
    if np.count_nonzero(near) <= MANY:
        rows, columns = np.nonzero(near)
        return _verify(view, groups, block[rows], others[columns], limit)
    joined = False
    for row, place in enumerate(block):
        columns = np.flatnonzero(near[row])
        columns = columns[groups.of(others[columns]) != groups.of(block[row : row + 1])]
        joined |= _verify(view, groups, np.full(len(columns), place), others[columns], limit)
    return joined


def _verify(view: _View, groups: _Groups, one: Places, other: Places, limit: float) -> bool:
    """Connect those of the pairs whose whole embeddings are near; returns whether any was."""
    joined = False
    for first in range(0, len(one), PART // 2):
        part = slice(first, first + PART // 2)
        a, b = one[part], other[part]
        open_ = groups.of(a) != groups.of(b)
        a, b = a[open_], b[open_]
        if len(a):
            near = view.near(a, b, limit)
            if near.any():
                groups.join(a[near], b[near])
                joined = True
    return joined
