"""Distances, neighbours, axes and clusters are what slower ways to compute them give."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances

from annolooop.model import numeric
from annolooop.model.numeric import (
    Vectors,
    all_axes,
    draw_index,
    kmeans,
    leading_axes,
    nearest,
    neighbours,
    sample_indices,
    sigmoid,
    softmax,
    squared_distances,
    unit_length,
)


@pytest.fixture
def rows() -> Vectors:
    scales = 3 / np.arange(1, 13)
    return (np.random.default_rng(0).normal(size=(300, 12)) * scales).astype(np.float32)


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that rows take several blocks, the last of them not a whole one."""
    monkeypatch.setattr(numeric, "TABLE_ROWS", 64)
    monkeypatch.setattr(numeric, "SORTED_BLOCK", 64)


def test_rows_are_scaled_to_length_1_and_zeros_stay(rows: Vectors) -> None:
    rows[5] = 0
    lengths = np.linalg.norm(unit_length(rows), axis=1)
    assert lengths[5] == 0
    assert np.delete(lengths, 5) == pytest.approx(np.ones(299), abs=1e-5)


def test_squared_distances_are_those_of_scikit_learn(rows: Vectors) -> None:
    expected = pairwise_distances(rows, rows[:20]) ** 2
    assert squared_distances(rows, rows[:20]) == pytest.approx(expected, abs=1e-3)


@pytest.mark.usefixtures("_small_blocks")
def test_the_nearest_centre_is_found_in_blocks(rows: Vectors) -> None:
    expected = pairwise_distances(rows, rows[:9])
    which, distance = nearest(rows, rows[:9])
    assert which.tolist() == expected.argmin(axis=1).tolist()
    assert np.sqrt(distance) == pytest.approx(expected.min(axis=1), abs=5e-3)


def test_without_centres_everything_is_infinitely_far(rows: Vectors) -> None:
    assert np.isinf(nearest(rows, rows[:0])[1]).all()


@pytest.mark.usefixtures("_small_blocks")
def test_neighbours_are_sorted_and_leave_the_row_itself_out(rows: Vectors) -> None:
    table = pairwise_distances(rows, rows)
    np.fill_diagonal(table, np.inf)
    which, distance = neighbours(rows, rows, 5, skip_self=True)
    assert np.sqrt(distance) == pytest.approx(np.sort(table, axis=1)[:, :5], abs=5e-3)
    assert (which != np.arange(300)[:, None]).all()


def test_leading_axes_hold_about_as_much_variance_as_the_best(rows: Vectors) -> None:
    centred = rows - rows.mean(axis=0)
    axes = leading_axes(centred, 4, np.random.default_rng(0))
    assert axes.T @ axes == pytest.approx(np.eye(4), abs=1e-5)
    best = PCA(4).fit(rows).explained_variance_ratio_.sum()
    assert ((centred @ axes) ** 2).sum() / (centred**2).sum() >= 0.99 * best


@pytest.mark.parametrize("count", [300, 5], ids=["more rows than columns", "fewer"])
def test_all_axes_turn_the_rows_and_lose_nothing(rows: Vectors, count: int) -> None:
    centred = (rows[:count] - rows[:count].mean(axis=0)).astype(np.float64)
    squares, axes = all_axes(centred)
    assert (centred @ axes) @ axes.T == pytest.approx(centred, abs=1e-6)
    assert squares == pytest.approx(((centred @ axes) ** 2).sum(axis=0))
    assert len(squares) == min(12, count - 1)


def test_kmeans_finds_clouds_that_are_apart(rows: Vectors) -> None:
    centres = 20 * np.eye(3, 12, dtype=np.float32)
    cloud = np.arange(300) % 3
    which, found = kmeans(rows + centres[cloud], 3, np.random.default_rng(0))
    assert len(set(zip(which.tolist(), cloud.tolist(), strict=True))) == 3
    assert found.shape == (3, 12)


def test_kmeans_repeats_itself_and_follows_the_weights(rows: Vectors) -> None:
    one, same = (kmeans(rows, 7, np.random.default_rng(3))[1] for _ in range(2))
    assert np.array_equal(one, same)
    heavy = np.where(np.arange(300) == 5, 1e6, 1e-6).astype(np.float32)
    _, (centre,) = kmeans(rows, 1, np.random.default_rng(0), heavy)
    assert centre == pytest.approx(rows[5], abs=1e-2)


def test_kmeans_of_equal_rows_gives_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    which, centres = kmeans(np.ones((6, 2), np.float32), 4, np.random.default_rng(0))
    assert (centres == 1).all()
    assert len(which) == 6
    assert not recwarn.list


def test_samples_are_distinct_in_order_and_all_where_there_are_few() -> None:
    some = sample_indices(100, 10, np.random.default_rng(0))
    assert len(set(some.tolist())) == 10
    assert some.tolist() == sorted(some.tolist())
    assert sample_indices(4, 10, np.random.default_rng(0)).tolist() == [0, 1, 2, 3]


def test_an_index_is_drawn_by_its_weight() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_index(np.array([0, 1, 3], np.float32), rng) for _ in range(2000)]
    assert drawn.count(0) == 0
    assert drawn.count(2) / drawn.count(1) == pytest.approx(3, rel=0.2)
    assert draw_index(np.zeros(3, np.float32), rng) is None


def test_softmax_and_sigmoid_do_not_overflow() -> None:
    logits = np.array([[1e4, 0.0, -1e4]])
    with np.errstate(over="raise", invalid="raise"):
        assert softmax(logits, axis=1).tolist() == [[1, 0, 0]]
        assert sigmoid(logits).tolist() == [[1, 0.5, 0]]
