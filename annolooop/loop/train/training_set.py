"""The labelled images that a version can be trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING

from annolooop.domain.examples import Example
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.domain.versions import BackboneInfo, ModelVersion
from annolooop.errors import DataError
from annolooop.loop.embed.backbone import pretrained
from annolooop.loop.embed.embed import Embedder
from annolooop.loop.labels.split import assign_split
from annolooop.model.heads.fit import Targets, learnable
from annolooop.model.heads.targets import build_targets
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings, Vector
from annolooop.storage.images import Lost, read_images

if TYPE_CHECKING:
    from annolooop.model.backbones.pipeline import Pipeline


class TooFewLabels(DataError):
    """There are labels, and they are of one kind only."""


@dataclass(frozen=True)
class TrainingSet:
    """Labelled images with their embeddings by the pretrained backbone.

    Attributes:
        train, holdout: usable examples of the two parts of the split.
        skipped: content hash -> reason of the others.
        targets: (train, labels) bool.
        multiple: an image may have any number of labels.
        backbone: the pretrained one.
        new_backbone: that backbone, if the registry does not have it yet.
        embeddings: by it; every usable example has one.
        moved: examples that changed their part in this run, to that of their near-duplicates.
    """

    train: tuple[Example, ...]
    holdout: tuple[Example, ...]
    skipped: dict[str, str]
    targets: Targets
    multiple: bool
    backbone: BackboneInfo
    new_backbone: Pipeline | None
    embeddings: Embeddings
    moved: int = 0

    @property
    def vectors(self) -> Vector:
        """Embeddings of ``train``, (n, d) float32."""
        return self.embeddings.matrix(e.sha256 for e in self.train)


def build_training_set(
    stack: Stack, current: ModelVersion, examples: Sequence[Example], pixels: bool, track: Track
) -> TrainingSet:
    """Embed what has no embedding, and leave out what cannot be trained on.

    Training always begins from the pretrained backbone: a version follows from its examples and
    its settings, not from the versions before it.

    Args:
        stack: the annotation loop.
        current: the current version.
        examples: labelled images.
        pixels: the images themselves must be there, not only their embeddings.
        track: shows how far it is.

    Raises:
        TooFewLabels: there are labels of one kind only.
        DataError: there are none.
    """
    dataset = stack.config.dataset
    annotate = f"Annotate more images: annoloop dataset launch {quote(dataset.name)}"
    if not examples:
        raise DataError("no image has a label to learn from", annotate)
    new_backbone = None
    model, before = stack.config.model, current.config
    changed = (model.backbone, model.weights) != (before.get("backbone"), before.get("weights"))
    if changed or not stack.registry.keeps(pretrained(current.backbone)):
        new_backbone = stack.build_pipeline()
    backbone = new_backbone.info if new_backbone else pretrained(current.backbone)
    embeddings = stack.embeddings(backbone)
    embedder = Embedder(
        stack.store,
        stack.catalog,
        embeddings,
        lambda: new_backbone or stack.restore_pipeline(backbone),
    )
    skipped = embedder.embed_images([Image(e.key, e.sha256) for e in examples], track)
    if pixels:
        skipped |= _missing(stack, examples)
    settled = assign_split(stack, [e for e in examples if e.sha256 not in skipped], embeddings)
    train = tuple(example for example in settled.examples if example.split == "train")
    holdout = tuple(example for example in settled.examples if example.split == "holdout")
    targets, multiple = build_targets(train, dataset.labels), dataset.choice == "multiple"
    if not learnable(targets, multiple):
        raise TooFewLabels(_too_few(dataset.labels, targets, multiple), annotate)
    return TrainingSet(
        train,
        holdout,
        skipped | settled.left_out,
        targets,
        multiple,
        backbone,
        new_backbone,
        embeddings,
        settled.moved,
    )


def _too_few(labels: Sequence[str], targets: Targets, multiple: bool) -> str:
    counts = ", ".join(
        f"{label} {count}" for label, count in zip(labels, targets.sum(axis=0), strict=True)
    )
    need = "at least two labels with images"
    if multiple:
        need = "a label that some images have and others do not have"
    return f"training needs {need}, outside of the holdout; it has {counts}"


def _missing(stack: Stack, examples: Iterable[Example]) -> dict[str, str]:
    """Content hash -> reason of examples whose image is gone or changed."""
    images = (Image(example.key, example.sha256) for example in examples)
    read = read_images(stack.store, images)
    return {image.sha256: str(data) for image, data in read if isinstance(data, Lost)}
