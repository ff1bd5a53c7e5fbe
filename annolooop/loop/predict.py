"""What a model version says of images whose embeddings are kept. Needs no torch."""

from collections.abc import Iterator, Sequence

import numpy as np

from annolooop.errors import DataError
from annolooop.model.head import THRESHOLD, Head, Probabilities
from annolooop.records import Image, ModelVersion, Prediction
from annolooop.stack import Stack
from annolooop.storage.embeddings import Embeddings
from annolooop.storage.registry import Registry

PART = 4096  # images whose embeddings are in memory at a time


def find_promoted(stack: Stack) -> ModelVersion:
    """The version in force, whether or not it can be used.

    Raises:
        DataError: there is none.
    """
    version = stack.registry.promoted()
    if version is None:
        raise DataError("the dataset has no model yet", "Make the first version: annoloop train")
    return version


def require_promoted(stack: Stack) -> ModelVersion:
    """The version in force.

    Raises:
        DataError: there is none, or it may say what the dataset does not know.
    """
    dataset = stack.config.dataset
    version = find_promoted(stack)
    gone = [label for label in version.labels if label not in dataset.labels]
    if gone or version.choice != dataset.choice:
        what = f"the label {gone[0]!r}" if gone else f"{version.choice} choice"
        raise DataError(
            f"model {version.name} was made for {what}, which the dataset does not have (any more)",
            "Train a version for what it has: annoloop train --rerun",
        )
    return version


def predict_probabilities(
    registry: Registry, version: ModelVersion, embeddings: Embeddings, images: Sequence[Image]
) -> Probabilities:
    """Probability of each label, (images, labels), of at least one image."""
    head = Head.from_bytes(registry.head(version))
    parts = (images[at : at + PART] for at in range(0, len(images), PART))
    return np.concatenate(
        [head.predict(embeddings.matrix(image.sha256 for image in part)) for part in parts]
    )


def predict(
    registry: Registry, version: ModelVersion, embeddings: Embeddings, images: Sequence[Image]
) -> dict[Image, Prediction]:
    """What is most probable for each image: a label, or any number of them; and how sure it is."""
    if not images:
        return {}
    probabilities = predict_probabilities(registry, version, embeddings, images)
    return dict(zip(images, best_labels(version, probabilities), strict=True))


def best_labels(version: ModelVersion, probabilities: Probabilities) -> Iterator[Prediction]:
    """What each row of probabilities, (n, labels), says.

    Single choice predicts the most probable label. Multiple choice predicts each label above
    0.5, and is as sure as it is of the label that it is least sure of.
    """
    for row in probabilities:
        if version.choice == "multiple":
            chosen = row >= THRESHOLD
            score = float(np.where(chosen, row, 1 - row).min())
        else:
            chosen = np.arange(len(row)) == row.argmax()
            score = float(row.max())
        labels = sorted(version.labels[k] for k in np.flatnonzero(chosen))
        yield Prediction(tuple(labels), round(score, 6))
