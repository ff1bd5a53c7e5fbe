"""Write a new model version into the registry, and make it the current one if it may be."""

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from annolooop.domain.examples import Example, fingerprint
from annolooop.domain.versions import ModelVersion
from annolooop.loop.train.changes import settings_of_version
from annolooop.loop.train.fit_result import FitResult
from annolooop.loop.versions.predict import read_head
from annolooop.model.heads.head import Head
from annolooop.stack import Stack

UNTRAINED: dict[str, Any] = {"holdout": {"n": 0}}  # metrics


def register(
    stack: Stack,
    parent: ModelVersion | None,
    result: FitResult,
    snapshot: int = 0,
    examples: Sequence[Example] = (),
) -> ModelVersion:
    """Store the weights, then the record that names them; it is current if the gate lets it."""
    for pipeline in result.new_backbones:
        stack.registry.put_backbone(pipeline.info, pipeline.weights())
    if result.new_embeddings:
        stack.embeddings(result.backbone).add(result.new_embeddings, result.precision)
    draft = ModelVersion(
        number=0,
        name="",
        dataset=stack.config.dataset.name,
        labels=stack.config.dataset.labels,
        trained=bool(examples),
        parent=parent.name if parent else None,
        dataset_fingerprint=fingerprint(examples),
        snapshot=snapshot,
        backbone=result.backbone,
        head="",
        created_at=_now(),
        created_by=stack.person,
        metrics=result.metrics,
        config=settings_of_version(stack),
        choice=stack.config.dataset.choice,
    )
    version = stack.registry.register(draft, result.head.to_bytes())
    if result.metrics.get("gate", {}).get("verdict") != "refused":
        make_current(stack, version)
    return version


def register_first(stack: Stack) -> ModelVersion:
    """Version 1: the pretrained backbone with a fresh head."""
    pipeline = stack.build_pipeline()
    dataset, seed = stack.config.dataset, stack.config.train.seed
    multiple = dataset.choice == "multiple"
    head = Head.fresh(len(dataset.labels), pipeline.info.dim, seed, multiple)
    result = FitResult(head, pipeline.info, UNTRAINED, new_backbones=(pipeline,))
    with stack.lock("train"):
        # Two people may begin at the same moment: it is made once.
        return stack.registry.current() or register(stack, None, result)


def register_relabelled(stack: Stack, current: ModelVersion) -> ModelVersion:
    """A version for other labels that nothing can be learned of yet; rows that stay are kept."""
    head = read_head(stack.registry, current)
    labels = stack.config.dataset.labels
    relabelled = head.with_labels(current.labels, labels, stack.config.train.seed)
    return register(stack, current, FitResult(relabelled, current.backbone, UNTRAINED))


def make_current(stack: Stack, version: ModelVersion) -> None:
    """Make a version the current one."""
    stack.registry.promote(version, _now(), stack.person)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
