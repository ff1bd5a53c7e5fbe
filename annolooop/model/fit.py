"""Fitting the head on embeddings: logistic regression, to convergence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold

from annolooop.model.head import THRESHOLD, Array, Head, Probabilities, activate

Matrix = NDArray[np.float64]
Targets = NDArray[np.bool_]

PENALTIES = tuple(10.0**n for n in range(-5, 3))  # candidates for C, strongest penalty first
FALLBACK = 1e-2  # with too few examples for cross-validation
FOLDS = 5
ABSENT = -20.0  # logit of a label without examples, against the others' mean of about 0


def fit_head(
    embeddings: Array,
    targets: Targets,
    multiple: bool,
    seed: int,
    penalty: float | None = None,
) -> tuple[Head, dict[str, float]]:
    """Fit a head; its penalty is chosen by cross-validated log loss.

    Single choice fits one multinomial regression, multiple choice one regression for each label.

    Args:
        embeddings: (n, d) float32.
        targets: (n, k) bool, which labels an image has; see :func:`learnable`.
        multiple: images may have any number of labels; else each has exactly one.
        seed: of the folds.
        penalty: the inverse strength C, where it is known already.

    Returns:
        The head, and the out-of-fold figures ``accuracy`` (of images whose labels are all right),
        ``log_loss``, ``folds``, ``C``. Only ``C`` with too few examples to cross-validate, or
        with ``penalty``.
    """
    # Centred and of unit variance overall, so that the penalties mean the same for all backbones.
    centre = embeddings.mean(axis=0)
    scale = float(np.sqrt(((embeddings - centre) ** 2).mean())) or 1.0
    x = ((embeddings - centre) / scale).astype(np.float64)
    figures = {"C": penalty} if penalty else _cross_validate(x, targets, multiple, seed)
    fitted = _fit(x, targets, multiple, figures["C"])
    weight = fitted.weight / scale
    bias = fitted.bias - weight @ centre
    return Head(weight.astype(np.float32), bias.astype(np.float32), multiple), figures


def learnable(targets: Targets, multiple: bool) -> bool:
    """Whether these labels, (n, k), teach a difference.

    Single choice needs two labels that images have; multiple choice needs one that some have and
    others lack.
    """
    if multiple:
        return bool((targets.any(axis=0) & ~targets.all(axis=0)).any())
    return bool(targets.any(axis=0).sum() > 1)


@dataclass(frozen=True)
class _Linear:
    weight: Matrix  # (k, d)
    bias: Matrix  # (k,)


def _cross_validate(x: Matrix, y: Targets, multiple: bool, seed: int) -> dict[str, float]:
    splits = _splits(y, multiple, seed)
    if not splits:
        return {"C": FALLBACK}
    best: dict[str, float] = {}
    for penalty in PENALTIES:
        out = np.zeros(y.shape)
        for train, test in splits:
            fitted = _fit(x[train], y[train], multiple, penalty)
            out[test] = activate(x[test] @ fitted.weight.T + fitted.bias, multiple)
        loss = _log_loss(out, y, multiple)
        # Ties go to the stronger penalty.
        if not best or loss < best["log_loss"] - 1e-9:
            best = {
                "accuracy": float(all_right(out, y, multiple).mean()),
                "log_loss": loss,
                "folds": float(len(splits)),
                "C": penalty,
            }
    return best


def _splits(y: Targets, multiple: bool, seed: int) -> list[tuple[NDArray[np.int_], ...]]:
    if multiple:
        folds = FOLDS if len(y) >= 2 * FOLDS else 0
        return list(KFold(folds, shuffle=True, random_state=seed).split(y)) if folds else []
    counts = y.sum(axis=0)
    folds = min(FOLDS, int(counts[counts > 0].min()))
    if folds < 2:
        return []
    chosen = y.argmax(axis=1)
    return list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, chosen))


def all_right(probabilities: Probabilities, targets: Targets, multiple: bool) -> Targets:
    """(n,) bool: what is predicted of an image is what it has, label for label."""
    if multiple:
        return np.asarray(((probabilities >= THRESHOLD) == targets).all(axis=1))
    return np.asarray(probabilities.argmax(axis=1) == targets.argmax(axis=1))


def _log_loss(probabilities: Probabilities, y: Targets, multiple: bool) -> float:
    clipped = probabilities.clip(1e-15, 1 - 1e-15)
    if multiple:
        return float(-np.log(np.where(y, clipped, 1 - clipped)).mean())
    return float(-np.log(clipped[y]).mean())


def _fit(x: Matrix, y: Targets, multiple: bool, penalty: float) -> _Linear:
    weight = np.zeros((y.shape[1], x.shape[1]))
    if multiple:
        # Where all images or none have a label, the log odds of that, a half added to each side.
        has, lacks = y.sum(axis=0) + 0.5, (~y).sum(axis=0) + 0.5
        bias = np.log(has / lacks)
        for k in np.flatnonzero(y.any(axis=0) & ~y.all(axis=0)):
            model = _regression(penalty).fit(x, y[:, k])
            weight[k], bias[k] = model.coef_[0], model.intercept_[0]
        return _Linear(weight, bias)
    model = _regression(penalty).fit(x, y.argmax(axis=1))
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row: the log odds of the second class
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    bias = np.full(y.shape[1], ABSENT)
    weight[model.classes_], bias[model.classes_] = coefficients, intercepts
    return _Linear(weight, bias)


def _regression(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, max_iter=10_000, tol=1e-6)
