"""The head: a linear layer from embeddings to one logit for each label. Needs no torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from annolooop.errors import DataError

Array = NDArray[np.float32]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """Weights of the head.

    Attributes:
        weight: (k, d) float32, one row for each label.
        bias: (k,) float32.
    """

    weight: Array
    bias: Array

    @classmethod
    def fresh(cls, labels: int, dim: int, seed: int) -> "Head":
        """An untrained head, drawn as torch draws a new linear layer: uniform ±1/√d."""
        rng = np.random.default_rng(seed)
        bound = dim**-0.5
        return cls(
            rng.uniform(-bound, bound, (labels, dim)).astype(np.float32),
            rng.uniform(-bound, bound, labels).astype(np.float32),
        )

    def predict(self, embeddings: Array) -> Probabilities:
        """Probabilities, (n, k) float64 with rows that add up to 1, of (n, d) embeddings."""
        logits = embeddings.astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        exponents = np.exp(logits)
        return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), dtype=np.float64)

    def to_bytes(self) -> bytes:
        """As a safetensors file."""
        return save({"weight": self.weight, "bias": self.bias})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Head":
        """From a safetensors file.

        Raises:
            DataError: it is not the file of a head.
        """
        try:
            tensors = load(data)
            return cls(tensors["weight"], tensors["bias"])
        except (SafetensorError, KeyError) as error:
            raise DataError(
                "the model version's head cannot be read", "Train a new one: annoloop train --rerun"
            ) from error
