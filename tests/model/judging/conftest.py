"""Real images with labels: the digits of scikit-learn, in pixels."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from annolooop.model.heads.fit import Targets
from annolooop.model.heads.head import Array


@pytest.fixture(scope="package")
def digits() -> tuple[Array, Targets]:
    """(1797, 64) float32 and (1797, 10) bool, in a random order."""
    read = load_digits()
    order = np.random.default_rng(0).permutation(len(read.data))
    x, y = read.data[order].astype(np.float32), read.target[order]
    return x, y[:, None] == np.arange(10)
