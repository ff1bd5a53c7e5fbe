"""The temperature: found on either side of 1, and what it changes, on other images."""

import numpy as np
import pytest

from annolooop.model.heads.calibration import (
    calibrate,
    cross_fitted,
    fit_temperature,
    with_temperature,
)
from annolooop.model.heads.fit import draw_folds, fit_head
from annolooop.model.heads.head import Head, activate
from annolooop.model.heads.metrics import image_losses


def draw(n: int, true: float, multiple: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits that come true at this temperature, and labels."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 3))
    p = activate(logits, multiple)
    if multiple:
        return logits * true, rng.random((n, 3)) < p
    chosen = (rng.random(n)[:, None] > p.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return logits * true, np.eye(3, dtype=bool)[chosen]


def clouds(counts: list[int], spread: float = 2.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (len(counts), 16))
    chosen = np.repeat(np.arange(len(counts)), counts)
    x = centres[chosen] + rng.normal(0, spread, (len(chosen), 16))
    return x.astype(np.float32), np.eye(len(counts), dtype=bool)[chosen]


@pytest.mark.parametrize("multiple", [False, True])
@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_temperature_is_found_on_either_side_of_1(true: float, multiple: bool) -> None:
    logits, targets = draw(3000, true, multiple)
    assert fit_temperature(logits, targets, multiple) == pytest.approx(true, rel=0.1)
    calibration = calibrate(logits, targets, multiple, 0)
    assert calibration
    assert calibration["temperature"] == pytest.approx(true, rel=0.1)
    if true != 1:
        assert calibration["ece_after"] < calibration["ece_before"] / 2
        assert calibration["log_loss_after"] < calibration["log_loss_before"]


def test_after_is_said_of_images_that_the_temperature_was_not_fitted_on() -> None:
    """Of what is pure chance, a temperature learns nothing; fitted on the same it seems to."""
    gains = {"same": 0.0, "others": 0.0}
    for seed in range(30):
        logits, targets = draw(20, 1.0, False, seed)
        before = image_losses(activate(logits, False), targets, False).mean()
        fitted = activate(logits / fit_temperature(logits, targets, False), False)
        others = cross_fitted(logits, targets, False, seed)
        gains["same"] += before - image_losses(fitted, targets, False).mean()
        gains["others"] += before - image_losses(others, targets, False).mean()
    assert gains["same"] > 0 > gains["others"]


def test_too_few_labels_have_no_calibration() -> None:
    logits, targets = draw(19, 3.0, False)
    assert calibrate(logits, targets, False, 0) is None
    lonely = np.zeros((1, 3), bool)
    lonely[0, 2] = True  # of its label there is no other: it counts for nothing
    two = targets[:, :2].any(axis=1)
    logits, targets = draw(60, 3.0, False)
    two = targets[:, :2].any(axis=1)
    logits = np.concatenate([logits[two], [[9.0, 0.0, -20.0]]])
    calibration = calibrate(logits, np.concatenate([targets[two], lonely]), False, 0)
    assert calibration
    assert calibration["n"] == two.sum()


def test_temperature_changes_no_prediction_and_brings_no_absent_label() -> None:
    x, targets = clouds([30, 0, 40])
    head = fit_head(x, targets, False, 0).head
    for temperature in (0.2, 15.0):
        other = Head.from_bytes(with_temperature(head, temperature).to_bytes())
        assert other.temperature == temperature
        predictions = other.predict(x)
        assert np.array_equal(predictions.argmax(axis=1), head.predict(x).argmax(axis=1))
        assert predictions[:, 1].max() < 1e-6
        assert np.allclose(predictions, activate(head.logits(x) / temperature, False), atol=0.2)


def test_label_with_one_image_does_not_prevent_a_cross_validation() -> None:
    x, targets = clouds([30, 1, 2, 40], 1.0)
    _, figures, out = fit_head(x, targets, False, 0)
    assert (figures["folds"], figures["accuracy"] > 0.9) == (5, True)
    assert out is not None
    assert out[30].argmax() != 1  # the head that predicts it does not know its label
    folds = draw_folds(targets, False, 0)
    assert folds is not None
    assert folds[31] != folds[32]  # so that one of the two is learnt from
    assert draw_folds(targets[:31], False, 0) is None  # two labels of two images it takes
