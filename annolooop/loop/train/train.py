"""Make the first model version, or learn from what people annotated since."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from annolooop.domain.annotations import ProjectCounts, Snapshot
from annolooop.domain.examples import Example, Holdout, fingerprint
from annolooop.domain.progress import Track, left_out
from annolooop.domain.versions import (
    BackboneInfo,
    Evaluation,
    Finetuning,
    GateVerdict,
    ModelVersion,
    evaluation_of,
)
from annolooop.loop.labels.project import ensure_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.labels.split import examples_of
from annolooop.loop.labels.uploads import Collected, collect
from annolooop.loop.train import gate as gates
from annolooop.loop.train.learn import gather, learn_from
from annolooop.loop.train.tracking import tell_trackers
from annolooop.loop.train.training_set import Learnt, Material, finetuning_of
from annolooop.model.heads.fit import learnable
from annolooop.model.heads.head import Head
from annolooop.model.heads.targets import build_targets
from annolooop.stack import Stack


@dataclass(frozen=True)
class TrainReport:
    """What `train` did.

    Attributes:
        model_version: the promoted version after this command.
        trained: a head was fitted in this run.
        registered: a new version was written in this run.
        examples: labelled images at hand, holdout included.
        learnt: of these, what the head was fitted on in this run.
        holdout: accuracy of ``model_version`` on the holdout.
        new_labels, changed_labels, removed_labels: against what ``model_version`` learnt from.
        unreadable: ``file`` and ``reason`` of labelled images that could not be learnt from.
        finetune: how the backbone of ``model_version`` was fine-tuned, if that was asked for.
        evaluation: of ``model_version`` on the holdout; ``None`` of versions made before there was.
        calibration: its ``temperature`` and what that changes.
        gate: what the gate said of the new version, if there is one.
        refused: name of the version that the gate kept from being promoted.
        trackers: that were told of the new version -> empty, or why one does not have it.
        moved: labelled images that changed side in this run, to that of their near-duplicates.
    """

    dataset: str
    model_version: str
    promoted: bool
    registered: bool
    trained: bool
    examples: int
    learnt: int
    holdout: Holdout
    new_labels: int
    changed_labels: int
    removed_labels: int
    unreadable: tuple[dict[str, str], ...]
    backbone: BackboneInfo
    labels: dict[str, int]
    cross_validation: dict[str, float]
    url: str
    seconds: dict[str, float]
    finetune: Finetuning | None = None
    evaluation: Evaluation | None = None
    calibration: dict[str, Any] | None = None
    gate: GateVerdict | None = None
    refused: str = ""
    trackers: dict[str, str] = field(default_factory=dict)
    moved: int = 0

    @property
    def exit_code(self) -> int:
        """6 when the gate refused the new version."""
        return 6 if self.refused else 0


UNTRAINED: dict[str, Any] = {"holdout": {"n": 0}}  # metrics


def train(stack: Stack, rerun: bool, track: Track, gate: str | None = None) -> TrainReport:
    """Make version 1 if there is no model; with ``rerun``, learn from the annotations.

    Without ``rerun`` an existing model is left alone, and the report says what is new. With
    it, nothing is written either when neither a label nor the backbone changed. A version that the
    gate refuses is registered and not promoted; asked again, it is not made again.

    Args:
        stack: the annotation loop.
        rerun: learn.
        track: shows how far it is.
        gate: ``strict``, ``lenient`` or ``off``, in the place of ``train.gate``.

    Raises:
        DataError: too few labels.
        UnreachableError: Label Studio, the store or the hub of the weights fails.
    """
    begun = time.monotonic()
    stack.studio.people.whoami()  # before anything slow: is the server there, and ours?
    version = stack.registry.current()
    registered = version is None
    if version is None:
        version = _register_first(stack)
    project = ensure_project(stack)
    started = time.monotonic()
    snapshot, collected = _pull(stack, project, rerun, track)
    examples, unfit = find_examples(stack, snapshot)
    news = _news(stack, version, examples)
    pulled = time.monotonic()
    usable = [example for example in examples if example.sha256 not in unfit]
    labels = _count(stack, examples)
    done = _Done(version)
    if rerun and (bool(news) or _outdated(stack, version)):
        done = _learn(stack, version, snapshot.number, usable, gate, track)
    told: dict[str, str] = {}
    if done.trained:
        told = tell_trackers(stack, done.refused or done.version, done.learnt, labels)
    version = done.version
    keys = {a.sha256: a.key for a in snapshot.annotations}
    lost = sorted({**unfit, **done.unreadable}.items())
    return TrainReport(
        dataset=project.title,
        model_version=version.name,
        promoted=not done.refused,
        registered=registered or done.registered,
        trained=done.trained,
        examples=len(examples),
        learnt=done.learnt,
        holdout=Holdout(**version.metrics["holdout"]),
        new_labels=news.new,
        changed_labels=news.changed,
        removed_labels=news.removed,
        unreadable=left_out([*collected.failed.items(), *((keys[h], r) for h, r in lost)]),
        backbone=version.backbone,
        labels=labels,
        cross_validation=version.metrics.get("cross_validation", {}),
        url=stack.studio.projects.stream_url(project.id),
        seconds={
            "setup": round(started - begun, 3),
            "pull": round(pulled - started, 3),
            "train": round(time.monotonic() - pulled, 3),
        },
        finetune=finetuning_of(version),
        evaluation=evaluation_of(version),
        calibration=version.metrics.get("calibration"),
        gate=done.verdict,
        refused=done.refused.name if done.refused else "",
        trackers=told,
        moved=done.moved,
    )


@dataclass(frozen=True)
class _Done:
    """What came of learning.

    Attributes:
        version: in force now.
        registered: a version was written.
        trained: a head was fitted.
        learnt: images that it was fitted on.
        unreadable: content hash -> reason of others.
        moved: examples that changed side, to that of their near-duplicates.
        verdict: of the gate, if there was something to let through.
        refused: the version that it did not let through.
    """

    version: ModelVersion
    registered: bool = False
    trained: bool = False
    learnt: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)
    moved: int = 0
    verdict: GateVerdict | None = None
    refused: ModelVersion | None = None


def _learn(
    stack: Stack,
    version: ModelVersion,
    snapshot: int,
    examples: Sequence[Example],
    gate: str | None,
    track: Track,
) -> _Done:
    """Make the next version of what is labelled now, and let the gate judge it."""
    if not _teaches(stack, examples) and version.labels != stack.config.dataset.labels:
        return _Done(_relabel(stack, version), registered=True)
    gate = gate or stack.config.train.gate
    before = _refused_before(stack, version, examples)
    if before:
        verdict = _again(stack, before, gate)
        done = _Done(before, verdict=verdict)
    else:
        made, verdict, material = _train(stack, version, snapshot, examples, gate, track)
        done = _Done(
            made, True, True, len(material.learn), material.unreadable, material.moved, verdict
        )
    if verdict.verdict == "refused":
        return replace(done, version=stack.registry.current() or version, refused=done.version)
    return done


def _pull(
    stack: Stack, project: ProjectCounts, rerun: bool, track: Track
) -> tuple[Snapshot, Collected]:
    """The annotations as they are now; with ``rerun``, what is learnt from is stored first."""
    if not rerun:
        return pull(stack.studio, project, stack.snapshots.latest()), Collected()
    collected = collect(stack, project, track)
    return pull_snapshot(stack, project)[0], collected


@dataclass(frozen=True)
class _News:
    """Labels that differ from those a version learnt from."""

    new: int
    changed: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)


def find_examples(stack: Stack, snapshot: Snapshot) -> tuple[list[Example], dict[str, str]]:
    """Labelled images of a snapshot; and content hash -> reason of those to be left out."""
    dataset, holdout = stack.config.dataset, stack.config.train.holdout
    examples, unfit = examples_of(
        stack, dataset.name, snapshot.annotations, dataset.choice, dataset.agreement, holdout
    )
    for example in examples:
        for label in set(example.labels) - set(dataset.labels):
            unfit[example.sha256] = f"its label {label!r} is not in dataset.labels"
    return examples, unfit


def _teaches(stack: Stack, examples: Sequence[Example]) -> bool:
    dataset = stack.config.dataset
    learn = [example for example in examples if example.split == "train"]
    return learnable(build_targets(learn, dataset.labels), dataset.choice == "multiple")


def _news(stack: Stack, version: ModelVersion, examples: Sequence[Example]) -> _News:
    learnt: dict[str, tuple[str, ...]] = {}
    if version.snapshot:
        before, _ = find_examples(stack, stack.snapshots.read(version.snapshot))
        learnt = {e.sha256: e.labels for e in before}
    now = {e.sha256: e.labels for e in examples}
    both = learnt.keys() & now.keys()
    return _News(
        len(now.keys() - learnt.keys()),
        sum(learnt[sha256] != now[sha256] for sha256 in both),
        len(learnt.keys() - now.keys()),
    )


def _outdated(stack: Stack, version: ModelVersion) -> bool:
    """Whether there is something to learn even from the labels it has learnt from."""
    if not version.trained or _setup_changed(stack, version):
        return True
    return not stack.registry.intact(version)


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
        "finetune": config.train.finetune,
        "epochs": 0 if config.train.finetune == "head" else config.train.epochs,
        "choice": config.dataset.choice,
        "agreement": config.dataset.agreement,
    }


def _register_first(stack: Stack) -> ModelVersion:
    pipeline = stack.build_pipeline()
    dataset, seed = stack.config.dataset, stack.config.train.seed
    multiple = dataset.choice == "multiple"
    head = Head.fresh(len(dataset.labels), pipeline.info.dim, seed, multiple)
    learnt = Learnt(head, pipeline.info, UNTRAINED, pipelines=(pipeline,))
    with stack.lock("train"):
        # Two people may begin at the same moment: it is made once.
        return stack.registry.current() or _register(stack, None, learnt)


def _relabel(stack: Stack, parent: ModelVersion) -> ModelVersion:
    """A version for other labels that nothing can be learnt of yet; rows that stay are kept."""
    head = Head.from_bytes(stack.registry.head(parent))
    labels = stack.config.dataset.labels
    made = head.with_labels(parent.labels, labels, stack.config.train.seed)
    return _register(stack, parent, Learnt(made, parent.backbone, UNTRAINED))


def _train(
    stack: Stack,
    parent: ModelVersion,
    snapshot: int,
    examples: Sequence[Example],
    gate: str,
    track: Track,
) -> tuple[ModelVersion, GateVerdict, Material]:
    """Learn from the examples. Also returns what of them could be learnt from."""
    mode = stack.config.train.finetune
    material = gather(stack, parent, examples, mode != "head", track)
    learnt = learn_from(stack, material, mode, track)
    verdict = gates.judge(stack, parent, learnt, material, gate, track)
    while (now := stack.registry.current()) and now.number != parent.number:
        parent = now  # put in force by someone else meanwhile
        verdict = gates.judge(stack, parent, learnt, material, gate, track)
    learnt = replace(learnt, metrics={**learnt.metrics, "gate": asdict(verdict)})
    usable = (*material.learn, *material.held)
    version = _register(stack, parent, learnt, snapshot, usable)
    if learnt.checkpoint:
        learnt.checkpoint.unlink(missing_ok=True)
    return version, verdict, material


def _refused_before(
    stack: Stack, parent: ModelVersion, examples: Sequence[Example]
) -> ModelVersion | None:
    """The version that would come out again, if the gate refused it last time."""
    last = stack.registry.waiting()
    if last is None or last.metrics.get("gate", {}).get("verdict") != "refused":
        return None
    # Its own fingerprint lacks what could not be learnt from, as near-duplicates of the holdout.
    before, unfit = find_examples(stack, stack.snapshots.read(last.snapshot))
    usable = [example for example in before if example.sha256 not in unfit]
    same = (
        last.parent == parent.name
        and fingerprint(usable) == fingerprint(examples)
        and not _setup_changed(stack, last)
        and stack.registry.intact(last)
    )
    return last if same else None


def _again(stack: Stack, refused: ModelVersion, gate: str) -> GateVerdict:
    """The gate's word on a version that was refused before; it may be another gate now."""
    verdict = gates.decide(GateVerdict(**refused.metrics["gate"]), gate)
    if verdict.verdict == "promoted":
        _put_in_force(stack, refused)
    return verdict


def _register(
    stack: Stack,
    parent: ModelVersion | None,
    learnt: Learnt,
    snapshot: int = 0,
    examples: Sequence[Example] = (),
) -> ModelVersion:
    """Store the weights, then the record that names them, then put it in force if it may be."""
    for pipeline in learnt.pipelines:
        stack.registry.put_backbone(pipeline.info.fingerprint, pipeline.weights())
    if learnt.vectors:
        stack.embeddings(learnt.info).add(learnt.vectors, learnt.precision)
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
        backbone=learnt.info,
        head="",
        created_at=now,
        created_by=stack.person,
        metrics=learnt.metrics,
        config=_shaping(stack),
        choice=stack.config.dataset.choice,
    )
    version = stack.registry.register(draft, learnt.head.to_bytes())
    if learnt.metrics.get("gate", {}).get("verdict") != "refused":
        _put_in_force(stack, version)
    return version


def _put_in_force(stack: Stack, version: ModelVersion) -> None:
    now = datetime.now(timezone.utc).isoformat()
    stack.registry.promote(version, now, stack.person)


def _count(stack: Stack, examples: Sequence[Example]) -> dict[str, int]:
    counts = Counter(label for example in examples for label in example.labels)
    return {label: counts.get(label, 0) for label in [*stack.config.dataset.labels, *counts]}
