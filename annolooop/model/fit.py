"""Fitting the head on embeddings: multinomial logistic regression, to convergence."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from annolooop.model.head import Array, Head

PENALTIES = tuple(10.0**n for n in range(-5, 3))  # candidates for C, strongest penalty first
FALLBACK = 1e-2  # with too few examples of a label for cross-validation
FOLDS = 5
ABSENT = -20.0  # logit of a label without examples, against the others' mean of about 0


def fit_head(
    embeddings: Array, targets: Sequence[int], labels: int, seed: int
) -> tuple[Head, dict[str, float]]:
    """Fit a head; its penalty is chosen by cross-validated log loss.

    Args:
        embeddings: (n, d) float32.
        targets: n numbers of labels, of at least two different ones.
        labels: how many labels there are; one without examples is never predicted.
        seed: of the folds.

    Returns:
        The head, and the out-of-fold figures ``accuracy``, ``log_loss``, ``folds``, ``C``.
        Only ``C`` where a label has too few examples to cross-validate.
    """
    y = np.asarray(targets)
    counts = Counter(y.tolist())
    # Centred and of unit variance overall, so that the penalties mean the same for all backbones.
    centre = embeddings.mean(axis=0)
    scale = float(np.sqrt(((embeddings - centre) ** 2).mean())) or 1.0
    x = ((embeddings - centre) / scale).astype(np.float64)
    figures = _cross_validate(x, y, min(FOLDS, min(counts.values())), seed)
    model = _fit(x, y, figures["C"])
    return _as_head(model, centre, scale, labels), figures


def _cross_validate(
    x: NDArray[np.float64], y: NDArray[np.int_], folds: int, seed: int
) -> dict[str, float]:
    if folds < 2:
        return {"C": FALLBACK}
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y))
    classes = np.unique(y)
    best: dict[str, float] = {}
    for penalty in PENALTIES:
        out = np.zeros((len(y), len(classes)))
        for train, test in splits:
            out[test] = _fit(x[train], y[train], penalty).predict_proba(x[test])
        loss = float(log_loss(y, out, labels=classes))
        # Ties go to the stronger penalty.
        if not best or loss < best["log_loss"] - 1e-9:
            hits = classes[out.argmax(axis=1)] == y
            best = {
                "accuracy": float(hits.mean()),
                "log_loss": loss,
                "folds": float(folds),
                "C": penalty,
            }
    return best


def _fit(x: NDArray[np.float64], y: NDArray[np.int_], penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, max_iter=10_000, tol=1e-6).fit(x, y)


def _as_head(model: LogisticRegression, centre: Array, scale: float, labels: int) -> Head:
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # one row: the log odds of the second class
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        intercepts = np.concatenate([-intercepts / 2, intercepts / 2])
    weight = np.zeros((labels, coefficients.shape[1]))
    bias = np.full(labels, ABSENT)
    weight[model.classes_] = coefficients / scale
    bias[model.classes_] = intercepts - weight[model.classes_] @ centre
    return Head(weight.astype(np.float32), bias.astype(np.float32))
