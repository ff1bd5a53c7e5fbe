"""What examples teach: a head on the pretrained backbone, and the backbone too if asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from shlex import quote
from typing import Any

from annolooop.domain.examples import Example
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.domain.versions import ModelVersion
from annolooop.errors import DataError
from annolooop.loop.embed.backbone import pretrained
from annolooop.loop.embed.embed import Embedder
from annolooop.loop.labels.split import assign_split
from annolooop.loop.train.training_set import Learnt, Material, calibrated, on_holdout
from annolooop.model.heads.fit import fit_head, learnable
from annolooop.model.heads.metrics import evaluate, holdout_accuracy
from annolooop.model.heads.targets import build_targets
from annolooop.stack import Stack
from annolooop.storage.images import Lost, read_images


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
    settled = assign_split(stack, [e for e in examples if e.sha256 not in unreadable], embeddings)
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
        from annolooop.loop.train.finetune import tune  # a head alone needs no torch

        learnt = tune(stack, material, learnt, mode, track)
    stated = holdout_accuracy(int(learnt.right.sum()), len(learnt.right))
    labels = stack.config.dataset.labels
    targets = build_targets(material.held, labels)
    evaluation = evaluate(learnt.said, targets, labels, material.multiple, seed)
    told = {"holdout": vars(stated), "evaluation": asdict(evaluation)}
    return replace(learnt, metrics={**told, **learnt.metrics})


def _missing(stack: Stack, examples: Iterable[Example]) -> dict[str, str]:
    """Content hash -> reason of examples whose image is not what it was."""
    images = (Image(example.key, example.sha256) for example in examples)
    read = read_images(stack.store, images)
    return {image.sha256: str(data) for image, data in read if isinstance(data, Lost)}
