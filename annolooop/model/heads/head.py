"""The head: a linear layer from embeddings to one logit for each label. Needs no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from annolooop.model.numeric import sigmoid, softmax

Array = NDArray[np.float32]
Probabilities = NDArray[np.float64]
Logits = NDArray[np.float64]

ABSENT = -20.0  # logit of a label without examples, against the others' mean of about 0
THRESHOLD = 0.5  # a label of a multiple choice is predicted from this probability on


@dataclass(frozen=True)
class Head:
    """Weights of the head.

    Attributes:
        weight: (k, d) float32, one row for each label.
        bias: (k,) float32.
        multiple: an image may have any number of the labels.
        temperature: what logits are divided by to become probabilities (Guo et al. 2017).
    """

    weight: Array
    bias: Array
    multiple: bool = False
    temperature: float = 1.0

    @classmethod
    def fresh(cls, labels: int, dim: int, seed: int, multiple: bool = False) -> "Head":
        """An untrained head, drawn as torch draws a new linear layer: uniform ±1/√d."""
        rng = np.random.default_rng(seed)
        bound = dim**-0.5
        return cls(
            rng.uniform(-bound, bound, (labels, dim)).astype(np.float32),
            rng.uniform(-bound, bound, labels).astype(np.float32),
            multiple,
        )

    def with_labels(self, old: Sequence[str], new: Sequence[str], seed: int) -> "Head":
        """A head for other labels: rows of labels that stay are kept, new ones are fresh.

        Args:
            old: labels of this head's rows.
            new: labels of the rows of the head that is made.
            seed: of the fresh rows.
        """
        made = Head.fresh(len(new), self.weight.shape[1], seed, self.multiple)
        for row, label in enumerate(new):
            if label in old:
                made.weight[row] = self.weight[old.index(label)]
                made.bias[row] = self.bias[old.index(label)]
        return made

    def predict(self, embeddings: Array) -> Probabilities:
        """Calibrated probabilities, (n, k) float64, of (n, d) embeddings; see :func:`activate`."""
        return activate(self.logits(embeddings) / self.temperature, self.multiple)

    def logits(self, embeddings: Array) -> Logits:
        """Logits as they were fitted, (n, k) float64, of (n, d) embeddings."""
        return embeddings.astype(np.float64) @ self.weight.T.astype(np.float64) + self.bias

    def to_bytes(self) -> bytes:
        """As a safetensors file."""
        tensors: dict[str, NDArray[Any]] = {"weight": self.weight, "bias": self.bias}
        if self.multiple:
            tensors["multiple"] = np.ones(1, np.uint8)
        if self.temperature != 1:
            tensors["temperature"] = np.array([self.temperature])
        return save(tensors)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Head":
        """From a safetensors file that :meth:`to_bytes` made."""
        tensors = load(data)
        temperature = float(tensors["temperature"][0]) if "temperature" in tensors else 1.0
        return cls(tensors["weight"], tensors["bias"], "multiple" in tensors, temperature)


def activate(logits: Logits, multiple: bool) -> Probabilities:
    """Probabilities of (n, k) logits: of rows that add up to 1, or each for itself."""
    found = sigmoid(logits) if multiple else softmax(logits, axis=1)
    return np.asarray(found, dtype=np.float64)
