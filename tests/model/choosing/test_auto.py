"""The default strategy: how far the head is trusted, and what covers the pool."""

import numpy as np
import pytest

from annolooop.model.choosing.auto import commonest, cover, trust_in_head
from annolooop.model.choosing.pool import Pool

NONE = np.zeros((0, 4), np.float32)


def pool(accuracy: float | None, labels: int = 100, common: float = 0.5) -> Pool:
    """Two labels, one of which a share of the labelled images has."""
    first = np.arange(labels) < common * labels
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    targets = np.stack([first, ~first], axis=1)
    return Pool(x, np.full((20, 2), 0.5), x[: labels % 20], targets, False, accuracy)


def test_without_a_head_or_an_accuracy_there_is_no_trust() -> None:
    untrained = Pool(NONE, None, NONE, np.zeros((0, 2), bool))
    assert (trust_in_head(untrained).share, trust_in_head(untrained).used) == (0, "typical")
    assert trust_in_head(pool(None)).share == 0


@pytest.mark.parametrize(
    ("accuracy", "common", "low", "high"),
    [(0.5, 0.5, 0, 0), (0.97, 0.5, 1, 1), (0.65, 0.5, 0.3, 0.7), (0.9, 0.9, 0, 0)],
)
def test_trust_follows_from_the_accuracy_beyond_the_commonest_answer(
    accuracy: float, common: float, low: float, high: float
) -> None:
    assert low <= trust_in_head(pool(accuracy, common=common)).share <= high


def test_trust_is_lower_with_fewer_labels() -> None:
    assert trust_in_head(pool(0.7, labels=10)).share < trust_in_head(pool(0.7, labels=1000)).share


def test_the_reason_names_both_accuracies() -> None:
    trust = trust_in_head(pool(0.97))
    assert trust.used == "diverse_margin"
    assert "97%" in trust.why
    assert "50%" in trust.why


def test_commonest_answer_counts_combinations_of_labels() -> None:
    targets = np.array([[1, 1], [1, 1], [1, 0], [0, 1]], bool)
    assert commonest(targets) == 0.5
    assert commonest(targets[:0]) == 1


def test_cover_chooses_greedily_as_brute_force_does() -> None:
    rng = np.random.default_rng(0)
    refs, cands = (rng.normal(size=(n, 3)).astype(np.float32) for n in (40, 12))
    weight = rng.random(40).astype(np.float32)
    table = ((cands[:, None].astype(float) - refs) ** 2).sum(axis=2)
    kernel, covered, expected = np.exp(-table / 2), np.zeros(40), []
    for _ in range(12):
        gains = np.maximum(kernel - covered, 0) @ weight
        gains[expected] = -1
        expected.append(int(gains.argmax()))
        covered = np.maximum(covered, kernel[expected[-1]])
    none = np.zeros((0, 3), np.float32)
    chosen = list(cover(cands, refs, none, weight, 2.0))
    assert chosen[:6] == expected[:6]
    assert sorted(chosen) == list(range(12))


def test_what_labelled_images_cover_is_not_covered_again() -> None:
    refs = np.array([[0, 0], [0, 0.1], [9, 9]], np.float32)
    first = next(cover(refs, refs, refs[:1], np.ones(3, np.float32), 1.0))
    assert first == 2
