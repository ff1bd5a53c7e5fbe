"""Diversity: typical members of a cluster first, and groups of unsure points in turn."""

import numpy as np

from annolooop.model.choosing.directions import Directions
from annolooop.model.choosing.diversity import by_typicality, grouped
from annolooop.model.choosing.pool import Pool


def test_the_most_typical_of_a_cluster_lies_in_its_middle() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(0, 1, (60, 3)).astype(np.float32)
    points[17] = 0
    points[40] = 9
    order = by_typicality(points, np.random.default_rng(0))
    assert 17 in order[:5]
    assert order[-1] == 40


def test_a_single_point_is_its_own_most_typical() -> None:
    assert by_typicality(np.ones((1, 3), np.float32), np.random.default_rng(0)).tolist() == [0]


def test_each_group_is_asked_about_once_before_any_twice() -> None:
    cloud = np.repeat(np.arange(4), 5)
    points = (10 * np.eye(4)[cloud] + 0.01 * np.arange(20)[:, None]).astype(np.float32)
    unsure = np.linspace(1, 0.5, 20)
    order = list(grouped(points, unsure, 4, np.random.default_rng(0)))
    assert sorted(cloud[order[:4]]) == [0, 1, 2, 3]
    assert sorted(order) == list(range(20))


def test_points_beyond_the_least_sure_follow_by_how_unsure_they_are() -> None:
    points = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    unsure = np.linspace(1, 0, 30)
    order = list(grouped(points, unsure, 2, np.random.default_rng(0), wider=3))
    assert sorted(order[:6]) == list(range(6))
    assert order[6:] == list(range(6, 30))


def test_directions_have_length_1_and_do_not_depend_on_the_length_of_embeddings() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 8)).astype(np.float32)
    none = np.zeros((0, 8), np.float32)
    pool = Pool(x, None, none, np.zeros((0, 2), bool))
    directions = Directions.of(pool, np.random.default_rng(1))
    assert np.allclose(np.linalg.norm(directions.points, axis=1), 1, atol=1e-5)
    assert directions.labelled.shape == (0, 8)
