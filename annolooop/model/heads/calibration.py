"""Temperature: one number that logits are divided by, so that probabilities are right.

Guo et al. 2017, "On calibration of modern neural networks". It changes no prediction. It is fitted
on logits of images that the head behind them did not learn from, and may come out on either side
of 1: networks trained to the end are too confident, a head with a strong penalty is not confident
enough.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from annolooop.model.heads.head import ABSENT, Head, Logits, Probabilities, activate
from annolooop.model.heads.metrics import image_losses
from annolooop.model.heads.reliability import Targets, calibration_error

MIN_CALIBRATION = 20  # images below which temperatures are chance
RANGE = (0.05, 20.0)  # temperatures that are tried
CLOSE = 1e-3  # relative step of the search that ends it
FOLDS = 5  # of the figure "after"


def calibrate(logits: Logits, targets: Targets, multiple: bool, seed: int) -> dict[str, Any] | None:
    """The temperature of a head, and what it changes: ``metrics["calibration"]`` of a version.

    Args:
        logits: (n, k), of images that the head did not learn from.
        targets: (n, k) bool.
        multiple: images may have any number of labels.
        seed: of the folds, and of the correction of the calibration error.

    Returns:
        ``temperature``; ``n``, the images that it is fitted on; ``ece_before`` and ``ece_after``,
        the calibration error without it and with it, and the same of ``log_loss``. After means:
        of each image with a temperature fitted on others. ``None`` with fewer than
        ``MIN_CALIBRATION`` images.
    """
    rows = has_siblings(targets, multiple)
    if rows.sum() < MIN_CALIBRATION:
        return None
    logits, targets = logits[rows], targets[rows]
    figures: dict[str, Any] = {
        "temperature": round(fit_temperature(logits, targets, multiple), 4),
        "n": len(targets),
    }
    plain = activate(logits, multiple)
    fitted = cross_fitted(logits, targets, multiple, seed)
    for when, probabilities in (("before", plain), ("after", fitted)):
        figures[f"ece_{when}"] = calibration_error(probabilities, targets, multiple, seed).value
        figures[f"log_loss_{when}"] = float(image_losses(probabilities, targets, multiple).mean())
    return figures


def fit_temperature(logits: Logits, targets: Targets, multiple: bool) -> float:
    """The temperature of the lowest log loss, between 0.05 and 20.

    The loss has one valley only, as it is convex in the inverse of the temperature.
    """

    def loss(log_temperature: float) -> float:
        probabilities = activate(logits / np.exp(log_temperature), multiple)
        return float(image_losses(probabilities, targets, multiple).mean())

    found = minimize_scalar(loss, bounds=np.log(RANGE), method="bounded", options={"xatol": CLOSE})
    return float(np.exp(found.x))


def cross_fitted(logits: Logits, targets: Targets, multiple: bool, seed: int) -> Probabilities:
    """Probabilities, (n, k), each image's by a temperature that was fitted on other images."""
    folds = np.random.default_rng(seed).permutation(len(logits)) % FOLDS
    probabilities = np.empty_like(logits)
    for fold in range(FOLDS):
        out = folds == fold
        temperature = fit_temperature(logits[~out], targets[~out], multiple)
        probabilities[out] = activate(logits[out] / temperature, multiple)
    return probabilities


def has_siblings(targets: Targets, multiple: bool) -> NDArray[np.bool_]:
    """(n,) bool: images whose label another image has too.

    With single choice, the out-of-fold head of the only image of a label does not know that label,
    so its logits mean nothing.
    """
    if multiple:
        return np.ones(len(targets), bool)
    return np.asarray((targets & (targets.sum(axis=0) > 1)).any(axis=1))


def with_temperature(head: Head, temperature: float) -> Head:
    """The head with a temperature; labels without examples stay as unlikely as they were."""
    absent = ~head.weight.any(axis=1) & (head.bias == ABSENT)
    bias = np.where(absent, np.float32(ABSENT * temperature), head.bias)
    return replace(head, bias=bias.astype(np.float32), temperature=temperature)
