"""Make the first model version, or learn from what people annotated since."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from annolooop.domain.annotations import ProjectCounts, Snapshot
from annolooop.domain.answers import count_tasks
from annolooop.domain.examples import Example, can_teach
from annolooop.domain.progress import Track, left_out
from annolooop.domain.versions import (
    BackboneInfo,
    Evaluation,
    Finetuning,
    GateVerdict,
    Holdout,
    ModelVersion,
)
from annolooop.loop.labels.project import advice, ensure_project, explaining_deletion
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.labels.uploads import Uploads, collect_uploads
from annolooop.loop.labels.why_none import nothing_labelled, unreadable_answers
from annolooop.loop.rounds.figures import last_round
from annolooop.loop.rounds.next_step import LoopState
from annolooop.loop.train.changes import (
    LabelChanges,
    find_examples,
    find_refused,
    is_outdated,
    label_changes,
)
from annolooop.loop.train.gate import decide, judge
from annolooop.loop.train.learn import learn
from annolooop.loop.train.register import (
    make_current,
    register,
    register_first,
    register_relabelled,
)
from annolooop.loop.train.tracking import send_figures
from annolooop.loop.train.training_set import TrainingSet, build_training_set
from annolooop.loop.versions.headline import (
    Headline,
    headline,
    shown_calibration,
    shown_evaluation,
)
from annolooop.stack import Stack


@dataclass(frozen=True)
class TrainReport:
    """What `train` did.

    Attributes:
        model_version: the current version after this command.
        trained: a head was fitted in this run.
        registered: a new version was written in this run.
        examples: labelled images at hand, holdout included.
        learnt: of these, what the head was fitted on in this run.
        holdout: accuracy of ``model_version`` on the holdout.
        tasks: of the project; ``to_do`` of them are neither labelled nor skipped.
        relabelled: ``dataset.labels`` are others than those of ``model_version``.
        enough: the labels are of several kinds, so that a head can learn from them.
        new_labels, changed_labels, removed_labels: against what ``model_version`` was trained on.
        unreadable: ``file`` and ``reason`` of labelled images that could not be trained on, and of
            answers that cannot be read.
        empty: tasks with an annotation that says nothing, and no answer.
        other_answers: images about which people gave one of ``dataset.other_answers``.
        headline: the accuracy of ``model_version`` to go by.
        advice: what to change in the project or in the stack file.
        finetune: how the backbone of ``model_version`` was fine-tuned, if that was asked for.
        evaluation: of ``model_version`` on the holdout; ``None`` of versions made before there was.
        calibration: its ``temperature`` and what that changes.
        gate: the gate's verdict on the new version, if there is one.
        refused: name of the version that the gate kept from becoming current in this run.
        waiting: name of the one that learnt these labels, and that the gate refused before.
        asked: tasks of the last round; ``left`` of them are to do.
        trackers: name of a tracker -> empty, or why it did not get the new version's figures.
        moved: labelled images that changed their part of the split in this run, to that of their
            near-duplicates.
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
    empty: int
    other_answers: int
    advice: tuple[str, ...]
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
    waiting: str = ""
    asked: int | None = None
    left: int = 0
    headline: Headline | None = None
    trackers: dict[str, str] = field(default_factory=dict)
    moved: int = 0
    tasks: int = 0
    to_do: int = 0
    relabelled: bool = False
    enough: bool = True

    @property
    def state(self) -> LoopState:
        """The loop after this run."""
        news = self.new_labels or self.changed_labels or self.removed_labels
        return LoopState(
            dataset=self.dataset,
            relabelled=self.relabelled,
            tasks=self.tasks,
            to_do=self.to_do,
            news=bool(news) and not (self.trained or self.gate or self.waiting),
            refused=self.refused or self.waiting,
            enough=self.enough,
            stale=(self.registered or bool(self.gate)) and not self.refused,
            asked=self.asked,
            left=self.left,
            measured=self.holdout.accuracy is not None,
        )

    @property
    def exit_code(self) -> int:
        """6 when the gate refused the new version."""
        return 6 if self.refused else 0


@explaining_deletion
def train(stack: Stack, rerun: bool, track: Track, gate: str | None = None) -> TrainReport:
    """Make version 1 if there is no model; with ``rerun``, learn from the annotations.

    Without ``rerun`` an existing model is left alone, and the report says what is new. With
    it, nothing is written either when neither a label nor the backbone changed. A version that the
    gate refuses is registered and does not become current; asked again, it is not made again.

    Args:
        stack: the annotation loop.
        rerun: learn.
        track: shows how far it is.
        gate: ``strict``, ``lenient`` or ``off``, in the place of ``train.gate``.

    Raises:
        DataError: too few labels; of these, TooFewLabels where they are of one kind only.
        UnreachableError: Label Studio, the store or the hub of the weights fails.
    """
    begun = time.monotonic()
    stack.studio.people.whoami()  # before anything slow: is the server there, and ours?
    current = stack.registry.current()
    first = current is None
    if current is None:
        current = register_first(stack)
    project = ensure_project(stack)
    started = time.monotonic()
    snapshot, collected = _pull(stack, project, rerun, track)
    found = find_examples(stack, snapshot)
    examples = found.examples
    changes = label_changes(stack, current, examples)
    pulled = time.monotonic()
    outcome = _Outcome(current)
    if rerun and (bool(changes) or is_outdated(stack, current)):
        dataset = stack.config.dataset
        if not examples and current.labels == dataset.labels:
            raise nothing_labelled(dataset.name, snapshot.annotations, dataset.choice, found)
        outcome = _update(stack, current, snapshot.number, examples, gate, track)
    waiting = None if outcome.verdict or not changes else find_refused(stack, current, examples)
    labels = _count(stack, examples)
    asked = last_round(stack, project.title, snapshot.annotations, stack.config.dataset.choice)
    trackers: dict[str, str] = {}
    if outcome.trained:
        version = outcome.refused or outcome.current
        trackers = send_figures(stack, version, outcome.trained_on, labels)
    finished = time.monotonic()
    keys = {a.sha256: a.key for a in snapshot.annotations}
    lost = sorted({**found.left_out, **outcome.skipped}.items())
    counts = count_tasks(snapshot.annotations, stack.config.dataset.choice)
    return _report(
        outcome,
        changes,
        dataset=project.title,
        registered=first or outcome.registered,
        examples=len(examples),
        unreadable=(
            *left_out([*collected.failed.items(), *((keys[h], why) for h, why in lost)]),
            *unreadable_answers(snapshot),
        ),
        empty=counts.empty,
        other_answers=len(found.other),
        advice=advice(stack, project),
        labels=labels,
        tasks=project.tasks,
        to_do=counts.to_do(project.tasks),
        relabelled=outcome.current.labels != stack.config.dataset.labels,
        enough=can_teach(examples, stack.config.dataset.choice),
        url=stack.studio.projects.stream_url(project.id),
        waiting=waiting.name if waiting else "",
        asked=asked.asked if asked else 0,
        left=asked.asked - asked.answered if asked else 0,
        seconds={
            "setup": round(started - begun, 3),
            "pull": round(pulled - started, 3),
            "train": round(finished - pulled, 3),
        },
        trackers=trackers,
    )


@dataclass(frozen=True)
class _Outcome:
    """What a run did.

    Attributes:
        current: the current version after it.
        registered: a version was written.
        trained: a head was fitted.
        trained_on: images that it was fitted on.
        skipped: content hash -> reason of others.
        moved: examples that changed their part of the split, to that of their near-duplicates.
        verdict: of the gate, if there was a new version.
        refused: the version that the gate refused.
    """

    current: ModelVersion
    registered: bool = False
    trained: bool = False
    trained_on: int = 0
    skipped: Mapping[str, str] = field(default_factory=dict)
    moved: int = 0
    verdict: GateVerdict | None = None
    refused: ModelVersion | None = None


def _update(
    stack: Stack,
    current: ModelVersion,
    snapshot: int,
    examples: Sequence[Example],
    gate: str | None,
    track: Track,
) -> _Outcome:
    """Make the next version of what is labelled now, and let the gate judge it."""
    if (
        not can_teach(examples, stack.config.dataset.choice)
        and current.labels != stack.config.dataset.labels
    ):
        return _Outcome(register_relabelled(stack, current), registered=True)
    gate = gate or stack.config.train.gate
    refused = find_refused(stack, current, examples)
    if refused:
        verdict = _judge_again(stack, refused, gate)
        outcome = _Outcome(refused, verdict=verdict)
    else:
        version, verdict, used = _train(stack, current, snapshot, examples, gate, track)
        outcome = _Outcome(version, True, True, len(used.train), used.skipped, used.moved, verdict)
    if verdict.verdict == "refused":
        now = stack.registry.current() or current
        return replace(outcome, current=now, refused=outcome.current)
    return outcome


def _train(
    stack: Stack,
    current: ModelVersion,
    snapshot: int,
    examples: Sequence[Example],
    gate: str,
    track: Track,
) -> tuple[ModelVersion, GateVerdict, TrainingSet]:
    """Learn from the examples. Also returns those of them that could be used."""
    mode = stack.config.train.finetune
    training_set = build_training_set(stack, current, examples, mode != "head", track)
    result = learn(stack, training_set, mode, track)
    verdict = judge(stack, current, result, training_set, gate, track)
    while (now := stack.registry.current()) and now.number != current.number:
        current = now  # someone else changed it meanwhile
        verdict = judge(stack, current, result, training_set, gate, track)
    result = replace(result, metrics={**result.metrics, "gate": asdict(verdict)})
    usable = (*training_set.train, *training_set.holdout)
    version = register(stack, current, result, snapshot, usable)
    if result.checkpoint:
        result.checkpoint.unlink(missing_ok=True)
    return version, verdict, training_set


def _judge_again(stack: Stack, refused: ModelVersion, gate: str) -> GateVerdict:
    """The gate's verdict on a version that was refused before; it may be another gate now."""
    verdict = decide(GateVerdict(**refused.metrics["gate"]), gate)
    if verdict.verdict == "promoted":
        make_current(stack, refused)
    return verdict


def _pull(
    stack: Stack, project: ProjectCounts, rerun: bool, track: Track
) -> tuple[Snapshot, Uploads]:
    """The annotations as they are now; with ``rerun``, what is learned from is stored first."""
    if not rerun:
        return pull(stack.studio, project, stack.snapshots.latest()), Uploads()
    collected = collect_uploads(stack, project, track)
    return pull_snapshot(stack, project)[0], collected


def _count(stack: Stack, examples: Sequence[Example]) -> dict[str, int]:
    counts = Counter(label for example in examples for label in example.labels)
    return {label: counts[label] for label in stack.config.dataset.labels}


def _report(outcome: _Outcome, changes: LabelChanges, **run: Any) -> TrainReport:
    """The report: of the current version, the run's outcome, and the rest of the run."""
    version = outcome.current
    finetuning = version.metrics.get("finetune")
    return TrainReport(
        model_version=version.name,
        promoted=not outcome.refused,
        trained=outcome.trained,
        learnt=outcome.trained_on,
        holdout=Holdout(**version.metrics["holdout"]),
        headline=headline(version.metrics),
        new_labels=changes.new,
        changed_labels=changes.changed,
        removed_labels=changes.removed,
        backbone=version.backbone,
        cross_validation=version.metrics.get("cross_validation", {}),
        finetune=Finetuning(**finetuning) if finetuning else None,
        evaluation=shown_evaluation(version),
        calibration=shown_calibration(version),
        gate=outcome.verdict,
        refused=outcome.refused.name if outcome.refused else "",
        moved=outcome.moved,
        **run,
    )
