"""What a model version says of images whose embeddings are kept. Needs no torch."""

from collections.abc import Sequence

from annolooop.errors import DataError
from annolooop.model.head import Head, Probabilities
from annolooop.records import Image, ModelVersion, Prediction
from annolooop.stack import Stack
from annolooop.storage.embeddings import Embeddings
from annolooop.storage.registry import Registry


def require_promoted(stack: Stack) -> ModelVersion:
    """The version in force.

    Raises:
        DataError: there is none, or it knows other labels.
    """
    labels = stack.config.dataset.labels
    version = stack.registry.promoted()
    if version is None:
        raise DataError("the dataset has no model yet", "Make the first version: annoloop train")
    if version.labels != labels:
        raise DataError(
            f"model {version.name} knows the labels {', '.join(version.labels)}; "
            f"dataset.labels are {', '.join(labels)}",
            "Train a version that knows them: annoloop train --rerun",
        )
    return version


def predict_probabilities(
    registry: Registry, version: ModelVersion, embeddings: Embeddings, images: Sequence[Image]
) -> Probabilities:
    """Probability of each label, (images, labels), of at least one image."""
    head = Head.from_bytes(registry.head(version))
    return head.predict(embeddings.matrix(image.sha256 for image in images))


def predict(
    registry: Registry, version: ModelVersion, embeddings: Embeddings, images: Sequence[Image]
) -> dict[Image, Prediction]:
    """The most probable label of each image, with its probability."""
    if not images:
        return {}
    probabilities = predict_probabilities(registry, version, embeddings, images)
    best = probabilities.argmax(axis=1)
    return {
        image: Prediction(version.labels[k], round(float(probabilities[i, k]), 6))
        for i, (image, k) in enumerate(zip(images, best, strict=True))
    }
