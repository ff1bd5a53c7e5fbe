"""A promised precision is kept, about as often as it is promised."""

import numpy as np
from numpy.typing import NDArray

from annolooop.model.judging.acceptance import choose_threshold, images_needed, lowest_precision

PROMISE = 0.9


def draw(rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A model that is too sure: right with a lower probability than it says."""
    confidence = rng.beta(5, 1, n)
    return confidence, rng.random(n) < confidence**2.5


def test_the_precision_of_what_is_accepted_is_as_promised_in_19_of_20() -> None:
    rng = np.random.default_rng(0)
    confidence, right = draw(rng, 200_000)
    kept, accepted, rounds = 0, 0, 400
    for _ in range(rounds):
        found = choose_threshold(*draw(rng, 400), PROMISE)
        if found.value is None:
            kept += 1
            continue
        accepted += 1
        kept += right[confidence >= found.value].mean() >= PROMISE
        assert found.low is not None
        assert found.low >= PROMISE
    assert accepted > rounds / 2
    assert kept >= 0.95 * rounds - 2 * (rounds * 0.95 * 0.05) ** 0.5


def test_too_few_images_accept_nothing_and_just_enough_need_to_be_right() -> None:
    assert [images_needed(p) for p in (0.9, 0.95, 0.98, 0.99)] == [29, 59, 149, 299]
    assert lowest_precision(0, 149) >= 0.98 > lowest_precision(0, 148)
    sure = np.linspace(0.9, 1, 149)
    right = np.ones(149, bool)
    assert choose_threshold(sure[1:], right[1:], 0.98).value is None
    assert choose_threshold(sure, right, 0.98).value == sure.min()
    right[-1] = False
    assert choose_threshold(sure, right, 0.98).value is None


def test_images_that_are_as_sure_are_accepted_together() -> None:
    confidence = np.repeat([0.99, 0.6], 100)
    right = np.r_[np.ones(100, bool), np.zeros(100, bool)]
    found = choose_threshold(confidence, right, 0.9)
    assert (found.value, found.n, found.errors) == (0.99, 100, 0)
