"""Fine-tune the pretrained backbone on the examples, and fit a head on the result."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.domain.versions import Finetuning
from annolooop.errors import DataError
from annolooop.files.whole import make_folder, replacing
from annolooop.loop.train.fit_result import FitResult, calibrated, predict_holdout
from annolooop.loop.train.training_set import TrainingSet
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.model.heads.fine_tuner import FinetuningData, Recipe
from annolooop.model.heads.finetune import (
    MIN_VALIDATION,
    FinetuneResult,
    finetune,
    split_validation,
)
from annolooop.model.heads.fit import Targets, fit_head, learnable
from annolooop.model.heads.head import Head
from annolooop.model.picture import Unreadable
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Vector
from annolooop.storage.images import Lost, read_image


def finetune_backbone(
    stack: Stack, training_set: TrainingSet, plain: FitResult, mode: str, track: Track
) -> FitResult:
    """Fine-tune the backbone.

    Args:
        stack: the annotation loop.
        training_set: its images must be there.
        plain: a head alone, fitted on it. It stays if no epoch is better on the validation
            part, or if there are too few examples to have one.
        mode: ``layer4`` or ``all``.
        track: shows how far it is.

    Raises:
        DataError: an image went away meanwhile.
    """
    names = [example.sha256 for example in training_set.train]
    seed = stack.config.train.seed
    held_out = split_validation(names, training_set.targets, training_set.multiple, seed)
    targets = training_set.targets[~held_out]
    if held_out.sum() < MIN_VALIDATION or not learnable(targets, training_set.multiple):
        figures = Finetuning(mode, len(names), int(held_out.sum()))
        return replace(plain, metrics={**plain.metrics, "finetune": vars(figures)})
    probe, *_ = fit_head(training_set.vectors[~held_out], targets, training_set.multiple, seed)
    keys = {example.sha256: example.key for example in (*training_set.train, *training_set.holdout)}
    folder = hashlib.sha256(stack.config.dataset.name.encode()).hexdigest()[:12]
    checkpoints = stack.cache / "finetune" / folder
    with _copies(stack, checkpoints.with_name(f"{folder}-images")) as copies:
        data = FinetuningData(
            names,
            training_set.targets,
            training_set.multiple,
            held_out,
            partial(_read, stack, keys, copies),
        )
        recipe = Recipe(mode, seed, stack.config.train.epochs)
        return _finetune(stack, training_set, plain, probe, data, recipe, checkpoints, keys, track)


def _finetune(
    stack: Stack,
    training_set: TrainingSet,
    plain: FitResult,
    probe: Head,
    data: FinetuningData,
    recipe: Recipe,
    checkpoints: Path,
    keys: Mapping[str, str],
    track: Track,
) -> FitResult:
    start = (training_set.new_backbone or stack.restore_pipeline(training_set.backbone)).backbone
    try:
        tuned = finetune(start, probe, data, recipe, checkpoints, track)
        figures = _figures(tuned, recipe, data.validation)
        metrics = {**plain.metrics, "finetune": vars(figures)}
        if not tuned.best_epoch:
            return replace(plain, metrics=metrics, checkpoint=tuned.checkpoint)
        pipeline = Pipeline(tuned.backbone, stack.config.infer.batch_size)
        vectors: dict[str, Vector] = {}
        for batch in pipeline.embed((n, data.read(n)) for n in track(list(keys), "embed")):
            vectors |= batch.vectors
            for sha256, reason in batch.unreadable.items():
                raise Unreadable(f"{keys[sha256]}: {reason}")
    except Unreadable as error:
        raise DataError(
            f"an image that could be read before cannot be decoded: {error}",
            "Learn without it: remove its annotation, then annoloop train --rerun",
        ) from error
    plain = replace(plain, metrics=metrics)
    return _fit(stack, training_set, plain, tuned, data.validation, pipeline, vectors)


@contextmanager
def _copies(stack: Stack, folder: Path) -> Iterator[Path | None]:
    """Where images of a bucket are kept during fine-tuning.

    They are removed at the end, and kept after an interruption: the run that resumes uses them.
    """
    if stack.store.local_path:
        yield None
        return
    yield make_folder(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _read(stack: Stack, keys: Mapping[str, str], copies: Path | None, sha256: str) -> bytes:
    """An image; of a bucket, it is fetched in the first epoch only."""
    copy = copies and copies / sha256
    if copy and copy.exists():
        return copy.read_bytes()
    try:
        data = read_image(stack.store, Image(keys[sha256], sha256))
    except Lost as error:
        raise DataError(
            f"{keys[sha256]}: {error}", "Learn without it: annoloop train --rerun"
        ) from None
    if copy:
        with replacing(copy) as part:
            part.write_bytes(data)
    return data


def _fit(
    stack: Stack,
    training_set: TrainingSet,
    plain: FitResult,
    tuned: FinetuneResult,
    validation: Targets,
    pipeline: Pipeline,
    vectors: dict[str, Vector],
) -> FitResult:
    """A head for a fine-tuned backbone, whose embeddings are ``vectors``.

    Its temperature is fitted on the validation images, which only decided when to stop, by a head
    that did not learn from them.
    """
    # This backbone learned from the images, so out-of-fold figures would be too good, and choose
    # too weak a penalty: it is the one that was chosen for the pretrained backbone.
    metrics = {name: value for name, value in plain.metrics.items() if name != "calibration"}
    penalty = metrics.pop("cross_validation")["C"]
    x = np.stack([vectors[example.sha256] for example in training_set.train])
    held = (
        np.stack([vectors[e.sha256] for e in training_set.holdout])
        if training_set.holdout
        else x[:0]
    )
    seed, y, multiple = stack.config.train.seed, training_set.targets, training_set.multiple
    part, *_ = fit_head(x[~validation], y[~validation], multiple, seed, penalty)
    share = float((~validation).mean())  # so that it is no surer for having more images
    head, *_ = fit_head(x, y, multiple, seed, penalty * share)
    head = calibrated(head, part.logits(x[validation]), y[validation], seed, metrics)
    probabilities, correct = predict_holdout(stack, head, training_set.holdout, held)
    return FitResult(
        head=head,
        backbone=pipeline.info,
        probabilities=probabilities,
        correct=correct,
        metrics=metrics,
        new_backbones=(*plain.new_backbones, pipeline),
        new_embeddings=vectors,
        precision=pipeline.precision,
        checkpoint=tuned.checkpoint,
    )


def _figures(tuned: FinetuneResult, recipe: Recipe, held_out: Targets) -> Finetuning:
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
