"""Fit a head on the pretrained backbone, and fine-tune the backbone too if asked."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from annolooop.domain.progress import Track
from annolooop.domain.versions import Holdout
from annolooop.loop.train.fit_result import FitResult, calibrated, predict_holdout
from annolooop.loop.train.training_set import TrainingSet
from annolooop.model.heads.fit import fit_head
from annolooop.model.heads.metrics import evaluate
from annolooop.model.heads.targets import build_targets
from annolooop.stack import Stack


def learn(stack: Stack, training_set: TrainingSet, mode: str, track: Track) -> FitResult:
    """Fit a head; with a mode other than ``head``, fine-tune the backbone from there.

    Raises:
        DataError: an image went away meanwhile.
    """
    result = fit_on_embeddings(stack, training_set)
    if mode != "head":
        from annolooop.loop.train.finetune import finetune_backbone  # a head alone needs no torch

        result = finetune_backbone(stack, training_set, result, mode, track)
    labels, seed = stack.config.dataset.labels, stack.config.train.seed
    targets = build_targets(training_set.holdout, labels)
    evaluation = evaluate(result.probabilities, targets, labels, training_set.multiple, seed)
    figures = {
        "trained_on": len(training_set.train),
        "holdout": vars(Holdout.of(evaluation)),
        "evaluation": asdict(evaluation),
    }
    return replace(result, metrics={**figures, **result.metrics})


def fit_on_embeddings(stack: Stack, training_set: TrainingSet) -> FitResult:
    """A calibrated head on the embeddings of the pretrained backbone."""
    seed, new_backbone = stack.config.train.seed, training_set.new_backbone
    fitted = fit_head(training_set.vectors, training_set.targets, training_set.multiple, seed)
    metrics: dict[str, Any] = {"cross_validation": fitted.figures}
    head = fitted.head
    if fitted.out_of_fold is not None:
        head = calibrated(head, fitted.out_of_fold, training_set.targets, seed, metrics)
    vectors = training_set.embeddings.matrix(e.sha256 for e in training_set.holdout)
    probabilities, correct = predict_holdout(stack, head, training_set.holdout, vectors)
    return FitResult(
        head,
        training_set.backbone,
        metrics,
        probabilities,
        correct,
        fitted.out_of_fold,
        (new_backbone,) if new_backbone else (),
    )
