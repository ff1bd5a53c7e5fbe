"""Confidence is compared with how often it is right, in bins of equal size."""

import numpy as np
import pytest

from annolooop.model.heads.reliability import (
    BINS,
    calibration_error,
    decisions,
    reliability,
    resample,
)


def drawn(n: int, seed: int = 0, sharper: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of three labels and labels drawn by them; sharpened where asked."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet(np.ones(3), n)
    label = (true.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    stated = true**sharper
    return stated / stated.sum(axis=1, keepdims=True), np.eye(3, dtype=bool)[label]


def test_decision_of_single_choice_is_the_most_probable_label() -> None:
    confidence, correct = decisions(
        np.array([[0.7, 0.3], [0.4, 0.6]]), np.array([[True, False], [True, False]]), False
    )
    assert confidence.tolist() == [[0.7], [0.6]]
    assert correct.tolist() == [[True], [False]]


def test_each_label_of_multiple_choice_is_a_decision() -> None:
    confidence, correct = decisions(np.array([[0.7, 0.2]]), np.array([[True, True]]), True)
    assert confidence.tolist() == [[0.7, 0.8]]
    assert correct.tolist() == [[True, False]]


def test_bins_have_equal_size_and_rise_in_confidence() -> None:
    bins = reliability(*drawn(600), False)
    assert len(bins) == BINS
    assert {b.n for b in bins} == {40}
    assert [b.confidence for b in bins] == sorted(b.confidence for b in bins)


@pytest.mark.parametrize("n", [3, 25, 45])
def test_few_decisions_have_few_bins(n: int) -> None:
    bins = reliability(*drawn(n), False)
    assert len(bins) == 2
    assert sum(b.n for b in bins) == n


def test_true_probabilities_have_no_error_beyond_chance() -> None:
    error = calibration_error(*drawn(2000), False, 0)
    assert error.value is not None
    assert error.value < 0.02
    assert error.low == 0


def test_overconfidence_is_an_error_with_an_interval_above_zero() -> None:
    error = calibration_error(*drawn(2000, sharper=4), False, 0)
    assert error.value is not None
    assert error.low is not None
    assert error.high is not None
    assert 0.05 < error.low <= error.value <= error.high


def test_resampled_means_scatter_about_the_mean_as_they_should() -> None:
    column = np.random.default_rng(0).normal(3, 2, (400, 1))
    means = resample(column, 1)
    assert means.shape[1] == 1
    assert means.mean() == pytest.approx(column.mean(), abs=0.03)
    assert means.std() == pytest.approx(2 / 20, rel=0.15)
