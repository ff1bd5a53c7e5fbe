"""Our regression ends where scikit-learn's does."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from annolooop.model.heads.fit import fit_head


def photos(count: int, dim: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings like those of a network: correlated, none below 0; and their labels."""
    rng = np.random.default_rng(0)
    chosen = np.arange(count) % labels
    inner = rng.normal(size=(labels, 16))[chosen] + rng.normal(size=(count, 16))
    return np.maximum(inner @ rng.normal(size=(16, dim)), 0).astype(np.float32), chosen


def reference(x: np.ndarray, chosen: np.ndarray, penalty: float) -> np.ndarray:
    x = x.astype(np.float64) - x.mean(axis=0)
    model = LogisticRegression(C=penalty, max_iter=10_000, tol=1e-9)
    probabilities = model.fit(x / np.sqrt((x**2).mean()), chosen).predict_proba(
        x / np.sqrt((x**2).mean())
    )
    assert isinstance(probabilities, np.ndarray)
    return probabilities


@pytest.mark.parametrize("penalty", [1e-4, 1.0])
@pytest.mark.parametrize(("dim", "labels"), [(24, 4), (24, 2), (200, 3)])
def test_single_choice_is_the_known_regression(dim: int, labels: int, penalty: float) -> None:
    x, chosen = photos(90, dim, labels)
    head, *_ = fit_head(x, np.eye(labels, dtype=bool)[chosen], False, 0, penalty)
    assert np.allclose(head.predict(x), reference(x, chosen, penalty), atol=1e-4)


def test_multiple_choice_is_one_known_regression_for_each_label() -> None:
    x, chosen = photos(90, 24, 4)
    targets = np.stack([chosen == 0, chosen < 2, chosen < 9], axis=1)
    head, *_ = fit_head(x, targets, True, 0, 1.0)
    probabilities = head.predict(x)
    for label in (0, 1):
        expected = reference(x, targets[:, label], 1.0)[:, 1]
        assert np.allclose(probabilities[:, label], expected, atol=1e-4)
    assert (probabilities[:, 2] > 0.99).all()  # everyone has it
