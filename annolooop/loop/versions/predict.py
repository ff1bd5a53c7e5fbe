"""Predictions of a model version for images that have an embedding. Needs no torch."""

from collections.abc import Iterator, Sequence

import numpy as np

from annolooop.domain.tasks import Image, Prediction
from annolooop.domain.versions import ModelVersion
from annolooop.errors import DataError
from annolooop.model.heads.head import THRESHOLD, Head, Probabilities
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.registry import Registry


def find_current(stack: Stack) -> ModelVersion:
    """The current version, whether or not it can be used.

    Raises:
        DataError: there is none.
    """
    version = stack.registry.current()
    if version is None:
        raise DataError("the dataset has no model yet", "Make the first version: annoloop train")
    return version


def require_current(stack: Stack) -> ModelVersion:
    """The current version.

    Raises:
        DataError: there is none, or it may predict labels that the dataset does not have.
    """
    dataset = stack.config.dataset
    version = find_current(stack)
    gone = labels_gone(stack, version)
    if gone or version.choice != dataset.choice:
        what = f"the label {gone[0]!r}" if gone else f"{version.choice} choice"
        raise DataError(
            f"model {version.name} was made for {what}, which the dataset does not have (any more)",
            "Train a version for what it has: annoloop train --rerun",
        )
    return version


def read_head(registry: Registry, version: ModelVersion) -> Head:
    """A version's head.

    Raises:
        DataError: it is damaged or gone, or the version's record does not fit it.
    """
    head = Head.from_bytes(registry.head(version))
    if head.weight.shape != (len(version.labels), version.backbone.dim):
        raise registry.damaged(version)
    return head


def labels_gone(stack: Stack, version: ModelVersion) -> list[str]:
    """Labels that a version may predict, and that the dataset does not have any more."""
    return [label for label in version.labels if label not in stack.config.dataset.labels]


class Predictor:
    """A model version's head, and the embeddings that it is put on.

    Args:
        stack: the annotation loop.
        version: whose head.
        embeddings: of its backbone.

    Attributes:
        version, embeddings: these.
    """

    def __init__(self, stack: Stack, version: ModelVersion, embeddings: Embeddings) -> None:
        self.version = version
        self._head = read_head(stack.registry, version)
        self.embeddings = embeddings

    def probabilities(self, images: Sequence[Image]) -> Probabilities:
        """Probability of each label, (images, labels), of at most a few thousand images."""
        return self._head.predict(self.embeddings.matrix(image.sha256 for image in images))

    def predict(self, images: Sequence[Image]) -> dict[Image, Prediction]:
        """What is most probable for each image, a label or any number, with its confidence."""
        if not images:
            return {}
        best = best_labels(self.version, self.probabilities(images))
        return dict(zip(images, best, strict=True))


def best_labels(version: ModelVersion, probabilities: Probabilities) -> Iterator[Prediction]:
    """The prediction of each row of probabilities, (n, labels).

    Single choice predicts the most probable label. Multiple choice predicts each label above
    0.5, and is as confident as for its least confident label.
    """
    if version.choice == "single":
        best = probabilities.argmax(axis=1)
        scores = probabilities[np.arange(len(best)), best]
        for label, score in zip(best.tolist(), scores.tolist(), strict=True):
            yield Prediction((version.labels[label],), round(score, 6))
        return
    chosen = probabilities >= THRESHOLD
    scores = np.where(chosen, probabilities, 1 - probabilities).min(axis=1)
    for row, score in zip(chosen, scores.tolist(), strict=True):
        labels = sorted(version.labels[k] for k in np.flatnonzero(row))
        yield Prediction(tuple(labels), round(score, 6))
