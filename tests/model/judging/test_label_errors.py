"""Wrong labels come first, and a curve tells what more labels bring."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from annolooop.model.heads.fit import Targets
from annolooop.model.heads.head import Array
from annolooop.model.judging.curve import forecast, measure_curve
from annolooop.model.judging.label_errors import doubt_labels, find_overlaps

Set = tuple[Array, Targets]


@pytest.fixture(scope="module")
def digits() -> Set:
    found = load_digits()
    order = np.random.default_rng(0).permutation(len(found.data))
    x, y = found.data[order].astype(np.float32), found.target[order]
    return x, y[:, None] == np.arange(10)


def test_planted_errors_are_ranked_first_and_what_it_is_is_suggested(digits: Set) -> None:
    x, truth = digits[0][:300], digits[1][:300]
    wrong = np.random.default_rng(1).permutation(300)[:15]
    targets = truth.copy()
    targets[wrong] = np.roll(truth[wrong], 3, axis=1)
    found = doubt_labels(x, targets, False, 0)
    assert found is not None
    first = np.argsort(found.confidence)[:15]
    assert len(set(first) & set(wrong)) >= 12
    assert (found.suggested[wrong] == truth[wrong]).all(axis=1).mean() >= 0.8
    pairs = {(a, b) for a, b, _ in find_overlaps(found, targets)}
    planted = {tuple(sorted((c, (c + 3) % 10))) for c in truth[wrong].argmax(axis=1)}
    assert len(pairs & planted) >= 0.8 * len(planted)


def test_a_wrong_label_of_several_is_named(digits: Set) -> None:
    x, truth = digits[0][:300], digits[1][:300]
    several = np.column_stack([truth[:, :4].any(axis=1), truth[:, 2:7].any(axis=1)])
    targets = several.copy()
    wrong = np.random.default_rng(2).permutation(300)[:10]
    targets[wrong, 1] ^= True
    found = doubt_labels(x, targets, True, 0)
    assert found is not None
    assert len(set(np.argsort(found.confidence)[:10]) & set(wrong)) >= 7
    assert (found.suggested[wrong] == several[wrong]).all(axis=1).mean() >= 0.7


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
    assert [m.right.shape for m in measured] == [(3, 120)] * 3 + [(1, 120)]
    values = [m.accuracy.value or 0 for m in measured]
    assert values[-1] > values[0]
