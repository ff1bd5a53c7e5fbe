"""What examples teach: a head on the pretrained backbone, and the backbone too if asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from annolooop.errors import DataError
from annolooop.loop.embed import Embedder
from annolooop.loop.sides import settle
from annolooop.model.calibration import calibrate, with_temperature
from annolooop.model.fit import Targets, all_right, fit_head, learnable
from annolooop.model.head import Head, Logits, Probabilities, activate
from annolooop.model.metrics import evaluate, holdout_accuracy
from annolooop.records import BackboneInfo, Example, Finetuning, Image, ModelVersion, Track
from annolooop.stack import Stack
from annolooop.storage.embeddings import Embeddings, Vector
from annolooop.storage.images import Lost, read_images
from annolooop.storage.shards import EXACT

if TYPE_CHECKING:
    from annolooop.model.pipeline import Pipeline


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


def gather(
    stack: Stack, parent: ModelVersion, examples: Sequence[Example], pixels: bool, track: Track
) -> Material:
    """Embed what has no embedding, and sort out what can be learnt from.

    It is always the pretrained backbone that is learnt from: a version follows from its examples
    and its settings, not from the versions before it.

    Args:
        stack: the annotation loop.
        parent: the version in force.
        examples: labelled images.
        pixels: the images themselves must be there, not only their embeddings.
        track: shows how far it is.

    Raises:
        DataError: too few labels.
    """
    dataset = stack.config.dataset
    annotate = f"Annotate more images: annoloop dataset launch {quote(dataset.name)}"
    if not examples:
        raise DataError("nothing is annotated yet, so there is nothing to learn from", annotate)
    fresh = None
    model, before = stack.config.model, parent.config
    changed = (model.backbone, model.weights) != (before.get("backbone"), before.get("weights"))
    if changed or not stack.registry.keeps(pretrained(parent.backbone)):
        fresh = stack.build_pipeline()
    info = fresh.info if fresh else pretrained(parent.backbone)
    embeddings = stack.embeddings(info)
    embedder = Embedder(
        stack.store, stack.catalog, embeddings, lambda: fresh or stack.restore_pipeline(info)
    )
    unreadable = embedder.embed_images([Image(e.key, e.sha256) for e in examples], track)
    if pixels:
        unreadable |= _missing(stack, examples)
    settled = settle(stack, [e for e in examples if e.sha256 not in unreadable], embeddings)
    unreadable |= settled.left_out
    usable = settled.examples
    learn = tuple(example for example in usable if example.split == "train")
    held = tuple(example for example in usable if example.split == "holdout")
    targets, multiple = build_targets(learn, dataset.labels), dataset.choice == "multiple"
    if not learnable(targets, multiple):
        counts = targets.sum(axis=0)
        told = ", ".join(f"{label} {counts[k]}" for k, label in enumerate(dataset.labels))
        need = (
            "a label that some images have and others lack"
            if multiple
            else "at least two labels with images"
        )
        raise DataError(f"training needs {need}, outside the holdout; it has {told}", annotate)
    return Material(
        learn, held, unreadable, targets, multiple, info, fresh, embeddings, settled.moved
    )


def pretrained(info: BackboneInfo) -> BackboneInfo:
    """The backbone that this one was fine-tuned from; itself if it was not."""
    return replace(info, fingerprint=info.base, base="", tuned="") if info.base else info


def learn_from(stack: Stack, material: Material, mode: str, track: Track) -> Learnt:
    """Fit a head; with a mode other than ``head``, fine-tune the backbone from there.

    Raises:
        DataError: an image went away meanwhile.
    """
    seed = stack.config.train.seed
    head, figures, out = fit_head(material.vectors, material.targets, material.multiple, seed)
    metrics: dict[str, Any] = {"cross_validation": figures}
    if out is not None:
        head = calibrated(head, out, material.targets, seed, metrics)
    held = material.embeddings.matrix(e.sha256 for e in material.held)
    learnt = Learnt(
        head,
        material.info,
        metrics,
        *on_holdout(stack, head, material.held, held),
        out,
        (material.fresh,) if material.fresh else (),
    )
    if mode != "head":
        from annolooop.loop.finetune import tune  # a head alone needs no torch

        learnt = tune(stack, material, learnt, mode, track)
    stated = holdout_accuracy(int(learnt.right.sum()), len(learnt.right))
    labels = stack.config.dataset.labels
    targets = build_targets(material.held, labels)
    evaluation = evaluate(learnt.said, targets, labels, material.multiple, seed)
    told = {"holdout": vars(stated), "evaluation": asdict(evaluation)}
    return replace(learnt, metrics={**told, **learnt.metrics})


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


def build_targets(examples: Sequence[Example], labels: Sequence[str]) -> Targets:
    """(examples, labels) bool: which labels each example has."""
    rows = [[label in example.labels for label in labels] for example in examples]
    return np.array(rows, dtype=bool).reshape(len(rows), len(labels))


def finetuning_of(version: ModelVersion) -> Finetuning | None:
    """How a version was fine-tuned, or tried to be."""
    told = version.metrics.get("finetune")
    return Finetuning(**told) if told else None


def _missing(stack: Stack, examples: Iterable[Example]) -> dict[str, str]:
    """Content hash -> reason of examples whose image is not what it was."""
    images = (Image(example.key, example.sha256) for example in examples)
    read = read_images(stack.store, images)
    return {image.sha256: str(data) for image, data in read if isinstance(data, Lost)}
