"""Replays of images whose labels are known: curves, and the share of labels that they save."""

import numpy as np
import pytest

from annolooop.domain.progress import untracked
from annolooop.loop.simulate.replay import (
    Curve,
    ReplayImages,
    ReplayPlan,
    reached,
    replays,
    rounds,
    share_of,
    standard_error,
)


def parted(n: int = 33, signal: float = 4.0) -> ReplayImages:
    """Two labels that a head can learn; the last ten images are for testing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 64)).astype(np.float32)
    targets = np.eye(2, dtype=bool)[np.arange(n) % 2]
    x[:, 0] += signal * targets[:, 0]
    return ReplayImages(x[:-10], targets[:-10], x[-10:], targets[-10:])


def test_share_is_computed_from_the_curves_of_means() -> None:
    labels = np.array([20.0, 40.0, 60.0, 80.0, 100.0])
    slow = Curve(labels, np.array([[0.5, 0.6, 0.7, 0.8, 0.9], [0.3, 0.4, 0.5, 0.6, 0.7]]))
    fast = Curve(labels, np.array([[0.6, 0.8, 0.9, 0.9, 0.9], [0.6, 0.7, 0.8, 0.9, 0.9]]))
    share, error = share_of(fast, slow, 100)  # 0.8 on average: between 40 (0.75) and 60 (0.85)
    assert share == pytest.approx(0.5)
    # Without the second seed 0.9 is reached at 60 by the first; without the first, 0.7 at 40.
    assert error == pytest.approx(np.sqrt(0.5 * ((0.6 - 0.5) ** 2 + (0.4 - 0.5) ** 2)))
    assert share_of(slow, fast, 100)[0] is None
    assert share_of(slow, slow, 60)[0] == pytest.approx(0.6 / 0.6)


def test_replay_ends_where_the_images_do() -> None:
    curve = replays(parted(), ["auto"], ReplayPlan(5, 50, (0, 1)), untracked)["auto"]
    assert curve.labels.tolist() == [5, 10, 15, 20, 23]
    assert curve.accuracy.shape == (2, 5)


def test_the_same_seeds_give_the_same_curves() -> None:
    one, same = (replays(parted(), ["random"], ReplayPlan(5, 20, (3,)), untracked) for _ in "ab")
    assert np.array_equal(one["random"].accuracy, same["random"].accuracy)


def test_accuracy_grows_with_the_labels() -> None:
    plan = ReplayPlan(20, 200, (0, 1))
    curve = replays(parted(310, 1.5), ["random"], plan, untracked)["random"]
    assert curve.mean[-1] > curve.mean[0]


@pytest.mark.parametrize(("budget", "count"), [(20, 4), (21, 5), (1000, 5)])
def test_rounds_end_with_the_budget_or_the_pool(budget: int, count: int) -> None:
    assert rounds(parted(), ReplayPlan(5, budget)) == count


def test_progress_counts_every_round_of_every_replay() -> None:
    seen: list[int] = []

    def track(items, stage, total=None):  # type: ignore[no-untyped-def]
        for item in items:
            seen.append(item)
            yield item

    replays(parted(), ["random", "margin"], ReplayPlan(5, 20, (0, 1)), track)
    assert seen == list(range(2 * 2 * 4))


def test_an_accuracy_is_reached_between_two_rounds() -> None:
    labels, accuracy = np.array([20.0, 40.0, 60.0]), np.array([0.5, 0.7, 0.9])
    assert reached(labels, accuracy, 0.8) == pytest.approx(50)
    assert reached(labels, accuracy, 0.4) == 20
    assert reached(labels, accuracy, 0.95) is None


def test_one_seed_has_no_standard_error() -> None:
    assert standard_error(np.array([[0.5, 0.6]])).tolist() == [0, 0]
    assert standard_error(np.array([[0.5], [0.7]])) == pytest.approx([0.1])
