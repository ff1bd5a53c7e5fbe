"""LabelledImages images with their embeddings, of any dataset that has a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from annolooop.domain.examples import Example
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.errors import DataError
from annolooop.loop.embed.backbone import pretrained
from annolooop.loop.embed.embed import Embedder
from annolooop.loop.labels.current import Labels
from annolooop.loop.labels.why_none import nothing_labelled
from annolooop.model.heads.fit import Targets
from annolooop.model.heads.targets import build_targets
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings, Vector


@dataclass(frozen=True)
class LabelledImages:
    """LabelledImages images that can be trained on and judged.

    Attributes:
        labels: in the order of the columns of targets.
        examples: that have an embedding and labels that the dataset knows.
        multiple: an image may have any number of labels.
        left_out: key of the others -> reason.
        embeddings: of the pretrained backbone; every example has one.
    """

    labels: tuple[str, ...]
    examples: tuple[Example, ...]
    multiple: bool
    left_out: dict[str, str]
    embeddings: Embeddings

    def reasons(self) -> list[tuple[str, str]]:
        """Key and reason of what is left out."""
        return sorted(self.left_out.items())

    def vectors(self, examples: Iterable[Example]) -> Vector:
        """Embeddings of some of them, (n, d) float32."""
        return self.embeddings.matrix(example.sha256 for example in examples)

    def targets(self, examples: Iterable[Example]) -> Targets:
        """(n, labels) bool: which labels each of them has."""
        return build_targets(list(examples), self.labels)


def embed_labelled(stack: Stack, labels: Labels, track: Track) -> LabelledImages:
    """Look up the embeddings of the labelled images; compute what is missing.

    They are those of the pretrained backbone: one that was fine-tuned learned from these labels. No
    image is read and torch stays away where all embeddings are kept.

    Args:
        stack: the annotation loop.
        labels: of the dataset.
        track: shows how far it is.

    Raises:
        DataError: the dataset has no model yet, or no labels.
    """
    name = labels.dataset
    registry = stack.registry_of(name)
    version = registry.current()
    if version is None:
        raise DataError(f"the dataset {name} has no model yet", "Make the first: annoloop train")
    if not labels.examples:
        annotations, choice = labels.snapshot.annotations, labels.rules.choice
        raise nothing_labelled(name, annotations, choice, labels.found, labels.live)
    info = pretrained(version.backbone)
    embeddings = stack.embeddings(info)
    embedder = Embedder(
        stack.store, stack.catalog_of(name), embeddings, lambda: stack.restore_pipeline(info)
    )
    images = [Image(e.key, e.sha256) for e in labels.examples]
    failed = dict(embedder.embed_images(images, track))
    left_out = {i.key: failed[i.sha256] for i in images if i.sha256 in failed}
    keys = labels.keys()
    left_out |= {keys[sha256]: reason for sha256, reason in labels.found.unknown.items()}
    usable = tuple(e for e in labels.examples if e.sha256 not in failed)
    multiple = labels.rules.choice == "multiple"
    return LabelledImages(labels.rules.labels, usable, multiple, left_out, embeddings)
