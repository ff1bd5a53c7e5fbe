"""Make the first model version, or learn from what people annotated since."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from annolooop.errors import DataError
from annolooop.loop.collect import Collected, collect
from annolooop.loop.embed import Embedder
from annolooop.loop.project import ensure_project
from annolooop.loop.pull import pull
from annolooop.loop.sync import pull_snapshot
from annolooop.model.fit import Targets, all_right, fit_head, learnable
from annolooop.model.head import Head
from annolooop.model.metrics import holdout_accuracy
from annolooop.records import (
    BackboneInfo,
    Example,
    Holdout,
    Image,
    ModelVersion,
    Snapshot,
    Track,
)
from annolooop.reports import TrainReport
from annolooop.stack import Stack
from annolooop.storage.dataset import build_examples, fingerprint
from annolooop.storage.embeddings import Embeddings

if TYPE_CHECKING:
    from annolooop.model.pipeline import Pipeline

UNTRAINED: dict[str, Any] = {"holdout": {"n": 0}}  # metrics


def train(stack: Stack, rerun: bool, track: Track) -> TrainReport:
    """Make version 1 if there is no model; with ``rerun``, learn from the annotations.

    Without ``rerun`` an existing model is left alone, and the report says what is new. With
    it, nothing is written either when neither a label nor the backbone changed.

    Raises:
        DataError: too few labels.
        UnreachableError: Label Studio, the store or the hub of the weights fails.
    """
    begun = time.monotonic()
    stack.studio.whoami()  # before anything slow: is the server there, and ours?
    version = stack.registry.promoted()
    registered = version is None
    if version is None:
        version = _register_first(stack)
    project = ensure_project(stack)
    started = time.monotonic()
    collected = collect(stack, project, track) if rerun else Collected()
    if rerun:
        snapshot, _ = pull_snapshot(stack, project)
    else:
        last = stack.snapshots.latest()
        snapshot = pull(stack.studio, project, last, datetime.now(timezone.utc))
    examples, left_out = _examples(stack, snapshot)
    news = _news(stack, version, examples)
    pulled = time.monotonic()
    trained = rerun and (not version.trained or bool(news) or _setup_changed(stack, version))
    usable = [example for example in examples if example.sha256 not in left_out]
    if trained and not _teaches(stack, usable) and version.labels != stack.config.dataset.labels:
        version, registered, trained = _relabel(stack, version), True, False
    if trained:
        version, lost = _train(stack, version, snapshot.number, usable, track)
        left_out |= lost
    keys = {a.sha256: a.key for a in snapshot.annotations}
    unreadable = [*collected.failed.items(), *((keys[h], r) for h, r in sorted(left_out.items()))]
    return TrainReport(
        dataset=project.title,
        model_version=version.name,
        promoted=True,
        registered=registered or trained,
        trained=trained,
        examples=len(examples),
        holdout=Holdout(**version.metrics["holdout"]),
        new_labels=news.new,
        changed_labels=news.changed,
        removed_labels=news.removed,
        unreadable=tuple({"file": f, "reason": r} for f, r in unreadable),
        backbone=version.backbone,
        labels=_count(stack, examples),
        cross_validation=version.metrics.get("cross_validation", {}),
        url=stack.studio.stream_url(project.id),
        seconds={
            "setup": round(started - begun, 3),
            "pull": round(pulled - started, 3),
            "train": round(time.monotonic() - pulled, 3),
        },
    )


@dataclass(frozen=True)
class _News:
    """Labels that differ from those a version learnt from."""

    new: int
    changed: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)


def _examples(stack: Stack, snapshot: Snapshot) -> tuple[list[Example], dict[str, str]]:
    """Labelled images of a snapshot; and content hash -> reason of those to be left out."""
    dataset = stack.config.dataset
    examples, left_out = build_examples(
        snapshot.annotations, dataset.choice, dataset.agreement, stack.config.train.holdout
    )
    for example in examples:
        for label in set(example.labels) - set(dataset.labels):
            left_out[example.sha256] = f"its label {label!r} is not in dataset.labels"
    return examples, left_out


def _teaches(stack: Stack, examples: Sequence[Example]) -> bool:
    dataset = stack.config.dataset
    learn = [example for example in examples if example.split == "train"]
    return learnable(_targets(learn, dataset.labels), dataset.choice == "multiple")


def _news(stack: Stack, version: ModelVersion, examples: Sequence[Example]) -> _News:
    learnt: dict[str, tuple[str, ...]] = {}
    if version.snapshot:
        before, _ = _examples(stack, stack.snapshots.read(version.snapshot))
        learnt = {e.sha256: e.labels for e in before}
    now = {e.sha256: e.labels for e in examples}
    both = learnt.keys() & now.keys()
    return _News(
        len(now.keys() - learnt.keys()),
        sum(learnt[sha256] != now[sha256] for sha256 in both),
        len(learnt.keys() - now.keys()),
    )


def _setup_changed(stack: Stack, version: ModelVersion) -> bool:
    return version.config != _shaping(stack) or version.labels != stack.config.dataset.labels


def _shaping(stack: Stack) -> dict[str, Any]:
    """The settings that a version depends on."""
    config = stack.config
    return {
        "backbone": config.model.backbone,
        "weights": config.model.weights,
        "holdout": config.train.holdout,
        "seed": config.train.seed,
        "choice": config.dataset.choice,
        "agreement": config.dataset.agreement,
    }


def _register_first(stack: Stack) -> ModelVersion:
    pipeline = stack.build_pipeline()
    dataset, seed = stack.config.dataset, stack.config.train.seed
    multiple = dataset.choice == "multiple"
    head = Head.fresh(len(dataset.labels), pipeline.info.dim, seed, multiple)
    with stack.lock("train"):
        # Two people may begin at the same moment: it is made once.
        first = stack.registry.promoted()
        return first or _register(stack, None, pipeline, pipeline.info, head, 0, [], UNTRAINED)


def _relabel(stack: Stack, parent: ModelVersion) -> ModelVersion:
    """A version for other labels that nothing can be learnt of yet; rows that stay are kept."""
    head = Head.from_bytes(stack.registry.head(parent))
    labels = stack.config.dataset.labels
    made = head.with_labels(parent.labels, labels, stack.config.train.seed)
    return _register(stack, parent, None, parent.backbone, made, 0, [], UNTRAINED)


def _train(
    stack: Stack,
    parent: ModelVersion,
    snapshot: int,
    examples: Sequence[Example],
    track: Track,
) -> tuple[ModelVersion, dict[str, str]]:
    """Learn from the examples. Also returns content hash -> reason of those left out."""
    annotate = f"Annotate more images: annoloop dataset launch {quote(parent.dataset)}"
    if not examples:
        raise DataError("nothing is annotated yet, so there is nothing to learn from", annotate)
    pipeline, info = None, parent.backbone
    now, before = _shaping(stack), parent.config
    if any(now[key] != before.get(key) for key in ("backbone", "weights")):
        pipeline = stack.build_pipeline()
        info = pipeline.info
    embeddings = stack.embeddings(info)
    embedder = Embedder(
        stack.store,
        stack.catalog,
        embeddings,
        lambda: pipeline or stack.restore_pipeline(info),
    )
    unreadable = embedder.embed_images([Image(e.key, e.sha256) for e in examples], track)
    labels, multiple = stack.config.dataset.labels, stack.config.dataset.choice == "multiple"
    usable = [example for example in examples if example.sha256 not in unreadable]
    learn = [example for example in usable if example.split == "train"]
    held = [example for example in usable if example.split == "holdout"]
    targets = _targets(learn, labels)
    if not learnable(targets, multiple):
        counts = targets.sum(axis=0)
        told = ", ".join(f"{label} {counts[k]}" for k, label in enumerate(labels))
        need = (
            "a label that some images have and others lack"
            if multiple
            else "at least two labels with images"
        )
        raise DataError(f"training needs {need}, outside the holdout; it has {told}", annotate)
    head, figures = fit_head(
        embeddings.matrix(e.sha256 for e in learn), targets, multiple, stack.config.train.seed
    )
    metrics = {
        "holdout": vars(_evaluate(head, embeddings, held, labels)),
        "cross_validation": figures,
    }
    version = _register(stack, parent, pipeline, info, head, snapshot, usable, metrics)
    return version, unreadable


def _evaluate(
    head: Head, embeddings: Embeddings, held: Sequence[Example], labels: Sequence[str]
) -> Holdout:
    if not held:
        return holdout_accuracy(0, 0)
    said = head.predict(embeddings.matrix(e.sha256 for e in held))
    right = all_right(said, _targets(held, labels), head.multiple)
    return holdout_accuracy(int(right.sum()), len(held))


def _targets(examples: Sequence[Example], labels: Sequence[str]) -> Targets:
    """(examples, labels) bool: which labels each example has."""
    rows = [[label in example.labels for label in labels] for example in examples]
    return np.array(rows, dtype=bool).reshape(len(rows), len(labels))


def _register(
    stack: Stack,
    parent: ModelVersion | None,
    pipeline: "Pipeline | None",
    info: BackboneInfo,
    head: Head,
    snapshot: int,
    examples: Sequence[Example],
    metrics: dict[str, Any],
) -> ModelVersion:
    """Store the weights, then the record that names them, then put it in force."""
    if pipeline:
        stack.registry.put_backbone(info.fingerprint, pipeline.weights())
    now = datetime.now(timezone.utc).isoformat()
    draft = ModelVersion(
        number=0,
        name="",
        dataset=stack.config.dataset.name,
        labels=stack.config.dataset.labels,
        trained=bool(examples),
        parent=parent.name if parent else None,
        dataset_fingerprint=fingerprint(examples),
        snapshot=snapshot,
        backbone=info,
        head="",
        created_at=now,
        created_by=stack.person,
        metrics=metrics,
        config=_shaping(stack),
        choice=stack.config.dataset.choice,
    )
    version = stack.registry.register(draft, head.to_bytes())
    stack.registry.promote(version, now, stack.person)
    return version


def _count(stack: Stack, examples: Sequence[Example]) -> dict[str, int]:
    counts = Counter(label for example in examples for label in example.labels)
    return {label: counts.get(label, 0) for label in [*stack.config.dataset.labels, *counts]}
