"""What strategies choose: by brute force where that can be, by what they promise elsewhere."""

import time

import numpy as np
import pytest

from annolooop.errors import UsageError
from annolooop.model.choosing.auto import trust_in_head
from annolooop.model.choosing.choose import NEED_HEAD, STRATEGIES, choose
from annolooop.model.choosing.names import NAMES
from annolooop.model.choosing.pool import Pool
from annolooop.model.numeric import Vectors

NONE = np.zeros((0, 24), np.float32)
ALL = sorted(STRATEGIES)


def clouds(n: int, k: int, seed: int = 0, dim: int = 24) -> tuple[Vectors, np.ndarray]:
    """Embeddings in k clouds that are well apart, and the number of the cloud of each."""
    rng = np.random.default_rng(seed)
    number = rng.permutation(np.arange(n) % k)
    centres = 6 * rng.normal(size=(k, dim))
    return (centres[number] + rng.normal(size=(n, dim))).astype(np.float32), number


def a_pool(n: int = 200, k: int = 5, labelled: int = 20, multiple: bool = False) -> Pool:
    x, number = clouds(n + labelled, k)
    rng = np.random.default_rng(1)
    probabilities = rng.random((n, k)) if multiple else rng.dirichlet(np.ones(k), n)
    targets = np.eye(k, dtype=bool)[number[n:]]
    if multiple:
        targets |= rng.random(targets.shape) < 0.3
    return Pool(x[:n], probabilities, x[n:], targets, multiple, 0.8)


@pytest.mark.parametrize("multiple", [False, True], ids=["single", "multiple"])
@pytest.mark.parametrize("name", ALL)
def test_same_seed_same_choice_and_nothing_twice(name: str, multiple: bool) -> None:
    pool = a_pool(multiple=multiple)
    first, again = (choose(name, pool, 30, 7).order for _ in range(2))
    assert first.tolist() == again.tolist()
    assert len(set(first.tolist())) == 30
    assert choose(name, pool, 30, 8).order.tolist() != first.tolist() or name in (
        "least_confidence",
        "margin",
        "entropy",
        "coreset",
        "auto",  # where all images of the pool are looked at, nothing is drawn
    )


@pytest.mark.parametrize("name", ALL)
def test_edges(name: str) -> None:
    pool = a_pool(12, labelled=4)
    assert sorted(choose(name, pool, 50, 0).order.tolist()) == list(range(12))
    assert len(choose(name, pool, 0, 0).order) == 0
    empty = Pool(NONE, np.zeros((0, 5)), pool.labelled, pool.targets)
    assert len(choose(name, empty, 3, 0).order) == 0
    alone = Pool(pool.embeddings[:1], np.ones((1, 5)) / 5, NONE, np.zeros((0, 5), bool))
    assert choose(name, alone, 3, 0).order.tolist() == [0]
    first = Pool(pool.embeddings, None, NONE, np.zeros((0, 5), bool))
    selection = choose(name, first, 5, 0)
    assert len(selection.order) == 5
    assert (selection.used == "random") == (name in NEED_HEAD or name == "random")
    one = np.zeros((4, 5), bool)
    one[:, 2] = True
    sure = Pool(pool.embeddings, np.eye(5)[np.full(12, 2)], pool.labelled, one, False, 1.0)
    assert len(choose(name, sure, 5, 0).order) == 5


@pytest.mark.parametrize("name", ALL)
def test_near_duplicates_are_asked_about_once(name: str) -> None:
    pool = a_pool(60)
    x = pool.embeddings.copy()
    x[30:] = x[:30] * np.float32(1.0001)  # each twice
    x[0] = x[30] = pool.labelled[3]  # one is labelled
    twice = Pool(x, pool.probabilities, pool.labelled, pool.targets, False, 0.8)
    asked = choose(name, twice, 60, 0).order % 30
    assert sorted(asked.tolist()) == list(range(1, 30))


def test_least_sure_first() -> None:
    probabilities = np.array(
        [[0.5, 0.45, 0.05], [0.34, 0.33, 0.33], [0.9, 0.1, 0], [0.42, 0.3, 0.28]]
    )
    x, _ = clouds(4, 2)
    pool = Pool(x, probabilities, NONE, np.zeros((0, 3), bool))
    assert choose("margin", pool, 4, 0).order.tolist() == [1, 0, 3, 2]
    assert choose("least_confidence", pool, 4, 0).order.tolist() == [1, 3, 0, 2]
    assert choose("entropy", pool, 4, 0).order.tolist() == [1, 3, 0, 2]
    each = np.array([[0.9, 0.9], [0.52, 0.99], [0.6, 0.6], [0.0, 1.0]])
    several = Pool(x, each, NONE, np.zeros((0, 2), bool), multiple=True)
    assert choose("margin", several, 4, 0).order.tolist() == [1, 2, 0, 3]
    assert choose("entropy", several, 4, 0).order.tolist() == [2, 1, 0, 3]


@pytest.mark.parametrize("name", ["typiclust", "auto"])
def test_start_covers_all_clouds(name: str) -> None:
    x, number = clouds(400, 8)
    nothing = Pool(x, None, NONE, np.zeros((0, 8), bool))
    asked = choose(name, nothing, 8, 0).order
    assert sorted(number[asked]) == list(range(8))
    known = np.flatnonzero(number < 5)[:40]
    left = np.setdiff1d(np.arange(400), known)
    some = Pool(x[left], None, x[known], np.eye(8, dtype=bool)[number[known]])
    assert {5, 6, 7} <= set(number[left][choose(name, some, 10, 0).order])


def test_typical_images_lie_in_the_middle_of_their_cloud() -> None:
    x, number = clouds(400, 4)
    middles = np.stack([x[number == k].mean(axis=0) for k in range(4)])
    far = np.sqrt(((x - middles[number]) ** 2).sum(axis=1))
    for name in ("typiclust", "auto"):
        asked = choose(name, Pool(x, None, NONE, np.zeros((0, 4), bool)), 4, 0).order
        assert (far[asked] < np.quantile(far, 0.3)).all(), name


def test_coreset_is_the_farthest_by_brute_force() -> None:
    pool = a_pool(80)
    known, expected = list(pool.labelled), []
    for _ in range(15):
        far = [min(float(((x - k) ** 2).sum()) for k in known) for x in pool.embeddings]
        expected.append(int(np.argmax(far)))
        known.append(pool.embeddings[expected[-1]])
    assert choose("coreset", pool, 15, 0).order.tolist() == expected


@pytest.mark.parametrize("multiple", [False, True], ids=["single", "multiple"])
def test_badge_draws_by_distances_of_gradients(multiple: bool) -> None:
    pool = a_pool(40, multiple=multiple)
    probabilities = pool.probabilities
    assert probabilities is not None
    guess = probabilities >= 0.5 if multiple else np.eye(5)[probabilities.argmax(axis=1)]
    gradients = ((probabilities - guess)[:, :, None] * pool.embeddings[:, None]).reshape(40, -1)
    asked = choose("badge", pool, 40, 3).order
    assert asked[0] == (gradients**2).sum(axis=1).argmax()
    rng = np.random.default_rng(3)  # the same draws, with the gradients themselves
    expected, left = [int(asked[0])], np.ones(40, bool)
    far = ((gradients - gradients[asked[0]]) ** 2).sum(axis=1)
    while len(expected) < 10:
        left[expected[-1]] = False
        chance = np.where(left, far, 0)
        expected.append(int(np.searchsorted(chance.cumsum(), rng.random() * chance.sum())))
        far = np.minimum(far, ((gradients - gradients[expected[-1]]) ** 2).sum(axis=1))
    assert asked[:10].tolist() == expected


def test_clustered_margin_takes_unsure_images_of_different_clouds() -> None:
    x, number = clouds(300, 6)
    unsure = np.where(np.arange(300) < 150, 0.5, 0.95)
    pool = Pool(x, np.stack([unsure, 1 - unsure], axis=1), NONE, np.zeros((0, 2), bool))
    asked = choose("clustered_margin", pool, 6, 0).order
    assert (asked < 150).all()
    assert len(set(number[asked])) >= 5


def test_auto_asks_about_typical_images_until_the_head_has_shown_that_it_knows_more() -> None:
    x, number = clouds(300, 4)
    targets = np.eye(4, dtype=bool)[number[:40]]
    probabilities = np.full((260, 4), [0.97, 0.01, 0.01, 0.01])
    probabilities[:30] = [0.5, 0.5, 0.0, 0.0]
    for accuracy, used, unsure in (
        (None, "typical", 0.6),
        (0.3, "typical", 0.6),
        (0.9, "diverse_margin", 0.9),
    ):
        pool = Pool(x[40:], probabilities, x[:40], targets, False, accuracy)
        selection = choose("auto", pool, 10, 0)
        assert selection.used == used
        share = (selection.order < 30).mean()
        assert share <= unsure if used == "typical" else share >= unsure
    assert "90%" in selection.why
    # Where one label is common, being right often says little.
    rare = np.eye(4, dtype=bool)[np.where(np.arange(40) < 36, 0, 1)]
    assert trust_in_head(Pool(x[40:], probabilities, x[:40], rare, False, 0.9)).share == 0


def test_unknown_strategy_is_told() -> None:
    with pytest.raises(UsageError, match="did you mean margin"):
        choose("margn", a_pool(), 5, 0)
    assert list(NAMES) == list(STRATEGIES)


@pytest.mark.slow
def test_many_images_take_seconds() -> None:
    rng = np.random.default_rng(0)
    x = np.maximum(rng.normal(size=(20_000, 64)) @ rng.normal(size=(64, 1280)), 0)
    probabilities = rng.dirichlet(np.ones(10), 20_000)
    targets = np.eye(10, dtype=bool)[np.arange(300) % 10]
    pool = Pool(
        x[300:].astype(np.float32),
        probabilities[300:],
        x[:300].astype(np.float32),
        targets,
        False,
        0.8,
    )
    begun = time.process_time()
    assert len(choose("auto", pool, 50, 0).order) == 50
    assert time.process_time() - begun < 10
