"""Fine-tune the pretrained backbone on the examples, and fit a head on the result."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from annolooop.errors import DataError
from annolooop.loop.learn import Learnt, Material, is_right
from annolooop.model.finetune import MIN_VALIDATION, Tuned, finetune, split_validation
from annolooop.model.fit import Targets, fit_head, learnable
from annolooop.model.learner import Lesson, Recipe
from annolooop.model.pipeline import Pipeline
from annolooop.model.pixels import Unreadable
from annolooop.records import Finetuning, Image, Track
from annolooop.stack import Stack
from annolooop.storage.embeddings import Vector
from annolooop.storage.images import Lost, read_image


def tune(stack: Stack, material: Material, plain: Learnt, mode: str, track: Track) -> Learnt:
    """Fine-tune the backbone.

    Args:
        stack: the annotation loop.
        material: what to learn from, images included.
        plain: what a head alone learns of it. It stays if no epoch is better on the validation
            part, or if there are too few examples to have one.
        mode: ``layer4`` or ``all``.
        track: shows how far it is.

    Raises:
        DataError: an image went away meanwhile.
    """
    names = [example.sha256 for example in material.learn]
    seed = stack.config.train.seed
    held_out = split_validation(names, material.targets, material.multiple, seed)
    learnt = material.targets[~held_out]
    if held_out.sum() < MIN_VALIDATION or not learnable(learnt, material.multiple):
        told = Finetuning(mode, len(names), int(held_out.sum()))
        return replace(plain, metrics={**plain.metrics, "finetune": vars(told)})
    probe, _ = fit_head(material.vectors[~held_out], learnt, material.multiple, seed)
    keys = {example.sha256: example.key for example in (*material.learn, *material.held)}
    read = partial(_read, stack, keys)
    start = (material.fresh or stack.restore_pipeline(material.info)).backbone
    lesson = Lesson(names, material.targets, material.multiple, held_out, read)
    recipe = Recipe(mode, seed, stack.config.train.epochs)
    folder = hashlib.sha256(stack.config.dataset.name.encode()).hexdigest()[:12]
    try:
        tuned = finetune(start, probe, lesson, recipe, stack.cache / "finetune" / folder, track)
        told = _tell(tuned, recipe, held_out)
        metrics = {**plain.metrics, "finetune": vars(told)}
        if not tuned.best_epoch:
            return replace(plain, metrics=metrics, checkpoint=tuned.checkpoint)
        pipeline = Pipeline(tuned.backbone, stack.config.infer.batch_size)
        vectors: dict[str, Vector] = {}
        for batch in pipeline.embed((n, read(n)) for n in track(list(keys), "embed")):
            vectors |= batch.vectors
            for sha256, reason in batch.unreadable.items():
                raise Unreadable(f"{keys[sha256]}: {reason}")
    except Unreadable as error:
        raise DataError(
            f"an image that was read before cannot be decoded: {error}",
            "Learn without it: remove its annotation, then annoloop train --rerun",
        ) from error
    return _fit(stack, material, replace(plain, metrics=metrics), tuned, pipeline, vectors)


def _read(stack: Stack, keys: Mapping[str, str], sha256: str) -> bytes:
    try:
        return read_image(stack.store, Image(keys[sha256], sha256))
    except Lost as error:
        raise DataError(
            f"{keys[sha256]}: {error}", "Learn without it: annoloop train --rerun"
        ) from None


def _fit(
    stack: Stack,
    material: Material,
    plain: Learnt,
    tuned: Tuned,
    pipeline: Pipeline,
    vectors: dict[str, Vector],
) -> Learnt:
    """A head for a fine-tuned backbone, whose embeddings are ``vectors``."""
    # The images are known to this backbone, so out-of-fold figures would be too good, and choose
    # too weak a penalty: it is the one that was chosen for the pretrained backbone.
    metrics = dict(plain.metrics)
    penalty = metrics.pop("cross_validation")["C"]
    x = np.stack([vectors[example.sha256] for example in material.learn])
    held = np.stack([vectors[e.sha256] for e in material.held]) if material.held else x[:0]
    head, _ = fit_head(x, material.targets, material.multiple, stack.config.train.seed, penalty)
    return Learnt(
        head=head,
        info=pipeline.info,
        right=is_right(stack, head, material.held, held),
        metrics=metrics,
        pipelines=(*plain.pipelines, pipeline),
        vectors=vectors,
        precision=pipeline.precision,
        checkpoint=tuned.checkpoint,
    )


def _tell(tuned: Tuned, recipe: Recipe, held_out: Targets) -> Finetuning:
    return Finetuning(
        mode=recipe.mode,
        examples=len(held_out),
        validation=int(held_out.sum()),
        epochs=len(tuned.losses) - 1,
        best_epoch=tuned.best_epoch,
        loss_before=tuned.losses[0],
        loss_after=tuned.losses[tuned.best_epoch],
        stopped_early=tuned.stopped_early,
        resumed_from=tuned.resumed_from,
    )
