"""Accuracy at shares of the labels, and what a forecast promises."""

import numpy as np
import pytest

from annolooop.model.heads.fit import Targets
from annolooop.model.heads.head import Array
from annolooop.model.judging.curve import Measured, forecast, measure_curve

Set = tuple[Array, Targets]


def test_a_forecast_holds_what_more_labels_brought(digits: Set) -> None:
    x, targets = digits
    test = (x[1000:], targets[1000:])
    for labels in (100, 200):
        measured = measure_curve(x[:labels], targets[:labels], False, 0, test)
        assert [m.labels for m in measured] == [labels // 4 * part for part in (1, 2, 3, 4)]
        found = forecast(measured, labels, 0)
        doubled = measure_curve(x[: 2 * labels], targets[: 2 * labels], False, 0, test)[-1]
        now, then = measured[-1].accuracy.value, doubled.accuracy.value
        assert now is not None
        assert then is not None
        assert found.gain.low is not None
        assert found.gain.high is not None
        assert found.gain.low <= then - now <= found.gain.high
        assert found.labels == 2 * labels


def test_without_a_holdout_every_image_judges_at_every_share(digits: Set) -> None:
    x, targets = digits[0][:120], digits[1][:120]
    measured = measure_curve(x, targets, False, 0, None)
    assert [m.labels for m in measured] == [24, 48, 72, 96]
    assert [m.correct.shape for m in measured] == [(3, 120)] * 3 + [(1, 120)]
    values = [m.accuracy.value or 0 for m in measured]
    assert values[-1] > values[0]


def points(accuracies: list[float], images: int = 200) -> list[Measured]:
    """Shares of 400 labels, each judged on the same images by one head."""
    correct = [np.arange(images) < round(a * images) for a in accuracies]
    return [
        Measured(share, round(share * 400), row[None])
        for share, row in zip((0.25, 0.5, 0.75, 1.0), correct, strict=True)
    ]


def test_a_share_is_as_accurate_as_its_heads_on_average() -> None:
    rows = np.array([[True] * 8 + [False] * 2, [True] * 6 + [False] * 4])
    accuracy = Measured(0.5, 100, rows).accuracy
    assert accuracy.value == pytest.approx(0.7)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert 0 <= accuracy.low < 0.7 < accuracy.high <= 1


def test_a_flat_curve_promises_nothing_and_a_steep_one_more() -> None:
    flat = forecast(points([0.8, 0.8, 0.8, 0.8]), 400, 0)
    steep = forecast(points([0.5, 0.6, 0.66, 0.7]), 400, 0)
    assert flat.gain.value == pytest.approx(0, abs=1e-9)
    assert steep.gain.value is not None
    assert steep.gain.value > 0.05


def test_a_forecast_never_exceeds_what_is_left_to_gain() -> None:
    found = forecast(points([0.9, 0.97, 0.99, 0.995]), 400, 0)
    assert found.gain.high is not None
    assert found.gain.high <= 0.005 + 1e-9
    assert found.accuracy.high == 1


def test_a_forecast_stays_wide_with_few_labels() -> None:
    few, many = forecast(points([0.8] * 4), 100, 0), forecast(points([0.8] * 4), 1000, 0)
    assert few.gain.low is not None
    assert many.gain.low is not None
    assert few.gain.low <= -0.08 + 1e-9
    assert many.gain.low > few.gain.low
