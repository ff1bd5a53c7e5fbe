"""How good predictions are, with intervals."""

from collections.abc import Sequence

import numpy as np

from annolooop.domain.versions import ClassFigures, Estimate, Evaluation
from annolooop.model.heads.head import THRESHOLD, Probabilities
from annolooop.model.heads.interval import share, wilson
from annolooop.model.heads.reliability import TAILS, Targets, calibration_error, resample

MIN_HOLDOUT = 10  # below it, an interval spans more than half of the scale


def evaluate(
    probabilities: Probabilities,
    targets: Targets,
    labels: Sequence[str],
    multiple: bool,
    seed: int,
) -> Evaluation:
    """How good predictions are, on images that were neither used for training nor chosen.

    Shares have Wilson's interval; balanced accuracy the one that follows from those of its parts
    (MOVER, Zou and Donner 2008); log loss and calibration error one of the bootstrap over images.
    Below ``MIN_HOLDOUT`` images there are counts only.

    Args:
        probabilities: (n, k).
        targets: (n, k) bool.
        labels: k names.
        multiple: images may have any number of labels.
        seed: of the bootstrap.
    """
    n = len(targets)
    predictions = predicted(probabilities, multiple)
    enough = n >= MIN_HOLDOUT
    classes = {
        label: _class(predictions[:, k], targets[:, k], enough) for k, label in enumerate(labels)
    }
    confusion: tuple[tuple[int, ...], ...] = ()
    if not multiple:
        counts = targets.T.astype(int) @ predictions.astype(int)
        confusion = tuple(tuple(int(c) for c in row) for row in counts)
    if not enough:
        return Evaluation(n, classes=classes, confusion=confusion)
    losses = image_losses(probabilities, targets, multiple)
    low, high = np.quantile(resample(losses[:, None], seed), TAILS)
    return Evaluation(
        n,
        accuracy=share(int((predictions == targets).all(axis=1).sum()), n),
        balanced_accuracy=_balanced(predictions, targets, multiple),
        log_loss=Estimate(float(losses.mean()), float(low), float(high)),
        ece=calibration_error(probabilities, targets, multiple, seed),
        classes=classes,
        confusion=confusion,
    )


def predicted(probabilities: Probabilities, multiple: bool) -> Targets:
    """(n, k) bool: the labels that are predicted of each image."""
    if multiple:
        return np.asarray(probabilities >= THRESHOLD)
    best = probabilities.argmax(axis=1)
    return np.asarray(best[:, None] == np.arange(probabilities.shape[1]))


def image_losses(probabilities: Probabilities, targets: Targets, multiple: bool) -> Probabilities:
    """(n,) log loss of each image in nats; of multiple choice, the mean over the labels."""
    clipped = probabilities.clip(1e-15, 1 - 1e-15)
    if multiple:
        return np.asarray(-np.log(np.where(targets, clipped, 1 - clipped)).mean(axis=1))
    return np.asarray(-np.log(clipped[targets]))


def _class(predictions: Targets, has: Targets, enough: bool) -> ClassFigures:
    n, named, both = int(has.sum()), int(predictions.sum()), int((predictions & has).sum())
    if not enough:
        return ClassFigures(n, named, Estimate(), Estimate())
    return ClassFigures(n, named, share(both, named), share(both, n))


def _balanced(predictions: Targets, targets: Targets, multiple: bool) -> Estimate:
    """Mean of the recalls; of multiple choice, of having a label and of not having it."""
    pairs = (
        [(predictions, targets), (~predictions, ~targets)] if multiple else [(predictions, targets)]
    )
    parts = [
        (int((named & has)[:, k].sum()), int(has[:, k].sum()))
        for named, has in pairs
        for k in range(targets.shape[1])
        if has[:, k].any()
    ]
    recalls = np.array([successes / n for successes, n in parts])
    limits = np.array([wilson(successes, n) for successes, n in parts])
    value = float(recalls.mean())
    below, above = np.sqrt(((limits - recalls[:, None]) ** 2).sum(axis=0)) / len(parts)
    return Estimate(value, max(0.0, value - float(below)), min(1.0, value + float(above)))
