"""What there is to learn from, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from annolooop.domain.examples import Example
from annolooop.domain.versions import BackboneInfo, Finetuning, ModelVersion
from annolooop.model.heads.calibration import calibrate, with_temperature
from annolooop.model.heads.fit import Targets, all_right
from annolooop.model.heads.head import Head, Logits, Probabilities, activate
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings, Vector
from annolooop.storage.embeddings.shards import EXACT

if TYPE_CHECKING:
    from annolooop.model.backbones.pipeline import Pipeline

from annolooop.model.heads.targets import build_targets


@dataclass(frozen=True)
class Material:
    """What there is to learn from.

    Attributes:
        learn, held: usable examples of the two sides of the split.
        unreadable: content hash -> reason of the others.
        targets: (learn, labels) bool.
        multiple: an image may have any number of labels.
        info: the pretrained backbone.
        fresh: that backbone, if the registry does not have it yet.
        embeddings: its space; every usable example is in it.
        moved: examples that changed side in this run, to that of their near-duplicates.
    """

    learn: tuple[Example, ...]
    held: tuple[Example, ...]
    unreadable: dict[str, str]
    targets: Targets
    multiple: bool
    info: BackboneInfo
    fresh: Pipeline | None
    embeddings: Embeddings
    moved: int = 0

    @property
    def vectors(self) -> Vector:
        """Embeddings of ``learn``, (n, d) float32."""
        return self.embeddings.matrix(e.sha256 for e in self.learn)


@dataclass(frozen=True)
class Learnt:
    """What was learnt.

    Attributes:
        head: of the backbone ``info``, calibrated.
        metrics: for the version's record.
        said: (held, k), probabilities of the images of the holdout.
        right: (held,) bool, whether each of them is predicted right.
        out: (learn, k), out-of-fold logits of the other images; ``None`` where there are too few,
            or the backbone has seen them.
        pipelines: backbones that the registry may not have yet.
        vectors: embeddings by a new backbone, by content hash.
        precision: class of what they were computed with.
        checkpoint: a file that is of no use once this is registered.
    """

    head: Head
    info: BackboneInfo
    metrics: dict[str, Any]
    said: Probabilities = field(default_factory=lambda: np.zeros((0, 0)))
    right: Targets = field(default_factory=lambda: np.zeros(0, bool))
    out: Logits | None = None
    pipelines: tuple[Pipeline, ...] = ()
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    precision: str = EXACT
    checkpoint: Path | None = None

    @property
    def out_said(self) -> Probabilities:
        """``out`` as probabilities, without a temperature: for what is predicted it has no say."""
        assert self.out is not None
        return activate(self.out, self.head.multiple)


def calibrated(
    head: Head, logits: Logits, targets: Targets, seed: int, metrics: dict[str, Any]
) -> Head:
    """A head with its temperature, which is also noted in the metrics; as it is with too few.

    Args:
        head: that was fitted.
        logits, targets: (n, k), of images that were not learnt from.
        seed: of what is drawn.
        metrics: get ``calibration``.
    """
    told = calibrate(logits, targets, head.multiple, seed)
    if told is None:
        return head
    metrics["calibration"] = told
    return with_temperature(head, told["temperature"])


def on_holdout(
    stack: Stack, head: Head, held: Sequence[Example], vectors: Vector
) -> tuple[Probabilities, Targets]:
    """What a head says of the images of the holdout, by their embeddings; and if it is right.

    Returns:
        (held, k) and (held,) bool.
    """
    targets = build_targets(held, stack.config.dataset.labels)
    if not held:
        return np.zeros(targets.shape), np.zeros(0, bool)
    said = head.predict(vectors)
    return said, all_right(said, targets, head.multiple)


def finetuning_of(version: ModelVersion) -> Finetuning | None:
    """How a version was fine-tuned, or tried to be."""
    told = version.metrics.get("finetune")
    return Finetuning(**told) if told else None
