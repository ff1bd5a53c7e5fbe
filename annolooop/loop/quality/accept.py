"""Accept what the model is sure of, without a look; and take that back."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from math import ceil
from shlex import quote

import numpy as np

from annolooop.domain.annotations import Annotation, ProjectCounts, Snapshot, by_task
from annolooop.domain.draw import SPOT_CHECK, draw
from annolooop.domain.examples import Example
from annolooop.domain.progress import PENDING, Track
from annolooop.domain.split import split_of
from annolooop.domain.tasks import Image, Prediction
from annolooop.domain.versions import ModelVersion
from annolooop.errors import DataError, UsageError
from annolooop.loop.labels.project import find_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.labels.split import examples_of, not_trained_on, recorded_split
from annolooop.loop.push.blind import blind_share, is_blind
from annolooop.loop.push.plan import agrees, expected_index, list_tasks
from annolooop.loop.versions.predict import Predictor, require_promoted
from annolooop.loop.versions.versions import find_version
from annolooop.model.judging.acceptance import Threshold, choose_threshold, images_needed
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.intents import Intent
from annolooop.storage.lease import Lease
from annolooop.storage.series import Series
from annolooop.storage.tasks import TaskIndex


@dataclass(frozen=True)
class AcceptReport:
    """What `dataset accept` found and did. ``applied`` is False for a plan.

    Attributes:
        dataset: its name.
        version: whose predictions are accepted.
        precision: that was asked for.
        threshold: predictions at least that sure are accepted.
        holdout: labelled images of the holdout that the threshold was chosen on.
        above: of these, as sure as that.
        errors: of these, wrongly predicted.
        low: lower end of their precision, 95 %, one-sided.
        untouched: tasks with a prediction that nobody touched, outside of the holdout.
        spot_check: of the sure ones, those left for people.
        over_limit: sure ones that ``--limit`` left for the next time.
        accepted: tasks whose prediction was, or would be, accepted.
        passed_over: tasks that someone touched meanwhile.
        wrong_at_most: how many of ``accepted`` may be wrong, by ``low``.
        labels: of what was, or would be, accepted.
        applied: it was done.
    """

    dataset: str
    version: str
    precision: float
    threshold: float
    holdout: int
    above: int
    errors: int
    low: float
    untouched: int
    spot_check: int
    over_limit: int
    accepted: int
    passed_over: int
    wrong_at_most: int
    labels: dict[str, int]
    applied: bool
    seconds: float

    @property
    def exit_code(self) -> int:
        """PENDING for a plan with something to accept."""
        return PENDING if self.accepted and not self.applied else 0


@dataclass(frozen=True)
class UndoReport:
    """What `dataset accept --undo` found and did. ``applied`` is False for a plan.

    ``withdrawn`` counts annotations; ``kept`` those that someone touched just now.
    """

    dataset: str
    version: str
    withdrawn: int
    kept: int
    applied: bool
    seconds: float

    @property
    def exit_code(self) -> int:
        """PENDING for a plan with something to withdraw."""
        return PENDING if self.withdrawn and not self.applied else 0


PART = 5000  # images that are looked at at a time
CHUNK = 500  # tasks in one request; Label Studio on SQLite takes about 3 ms for each
SECONDS_TO_WAIT = 60.0  # for the end of an interrupted request: people annotate all the while


@dataclass(frozen=True)
class AcceptOptions:
    """What to accept.

    Attributes:
        precision: share of right ones that is promised.
        spot_check: share of the sure ones that is left for people.
        limit: accept at most so many.
        yes: do it; otherwise only tell.
    """

    precision: float = 0.98
    spot_check: float = 0.05
    limit: int | None = None
    yes: bool = False


def accept(stack: Stack, options: AcceptOptions, track: Track) -> AcceptReport:
    """Make annotations of predictions that are right often enough.

    From which confidence on they are is told by the holdout, of which the model has learnt nothing
    and of which only people's labels count; see :mod:`annolooop.model.judging.acceptance`.
    Accepted are predictions of the version in force, of tasks that nobody touched. Not of the
    holdout nor of blind images, which judge the model.

    Raises:
        UsageError: a share that is none.
        DataError: too few labels, or no confidence is high enough.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    if not 0.5 <= options.precision < 1:
        raise UsageError(
            f"--precision {options.precision:g} is not a share from 0.5 to below 1",
            "For example: --precision 0.98",
        )
    if not 0 <= options.spot_check < 1:
        raise UsageError(
            f"--spot-check {options.spot_check:g} is not a share from 0 to below 1",
            "For example: --spot-check 0.05",
        )
    version = require_promoted(stack)
    if not version.trained:
        raise DataError(
            f"model {version.name} has learnt nothing yet, so none of it can be believed",
            "Annotate, then: annoloop train --rerun",
        )
    predictor = Predictor(stack, version, stack.embeddings(version.backbone))
    project = find_project(stack, stack.config.dataset.name)
    if not options.yes:
        snapshot = pull(stack.studio, project, stack.snapshots.latest())
        judged = _judge(stack, version, predictor, snapshot, options.precision)
        task_index = expected_index(stack, project)
        plan = _plan(stack, predictor, task_index, snapshot, judged.threshold, options, track)
        return _report(stack, version, options, judged, plan, len(plan.tasks), begun)
    with stack.lock("accept") as lease:
        _await_interrupted(stack, project)
        project = find_project(stack, stack.config.dataset.name)
        snapshot, _ = pull_snapshot(stack, project)
        judged = _judge(stack, version, predictor, snapshot, options.precision)
        if not agrees(stack, project):
            list_tasks(stack, project, stack.task_index)
        plan = _plan(stack, predictor, stack.task_index, snapshot, judged.threshold, options, track)
        made = _accept(stack, lease, project, version, list(plan.tasks), track)
        report = _report(stack, version, options, judged, plan, made, begun)
        if plan.tasks:
            _record(stack, report)
            pull_snapshot(stack, find_project(stack, project.title))
    return report


def undo(stack: Stack, name: str, yes: bool, track: Track) -> UndoReport:
    """Delete the annotations that were accepted from a version, unless a person changed them.

    Args:
        stack: the annotation loop.
        name: of the version.
        yes: do it; otherwise only tell.
        track: shows how far it is.

    Raises:
        DataError: there is no such version.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    version, dataset = find_version(stack, name), stack.config.dataset.name
    project = find_project(stack, dataset)
    if not yes:
        snapshot = pull(stack.studio, project, stack.snapshots.latest())
        found = sum(a.accepted == version.name for a in snapshot.annotations)
        return UndoReport(dataset, version.name, found, 0, False, _since(begun))
    with stack.lock("accept") as lease:
        _await_interrupted(stack, project)
        project = find_project(stack, dataset)
        snapshot, _ = pull_snapshot(stack, project)
        found, gone = _withdraw(stack, lease, project, snapshot, version.name, track)
        if gone:
            pull_snapshot(stack, find_project(stack, dataset))
    return UndoReport(dataset, version.name, gone, found - gone, True, _since(begun))


@dataclass(frozen=True)
class _Judged:
    """What the holdout says."""

    threshold: Threshold
    images: int


def _judge(
    stack: Stack,
    version: ModelVersion,
    predictor: Predictor,
    snapshot: Snapshot,
    precision: float,
) -> _Judged:
    """Choose the threshold; DataError where there is none."""
    held = _held(stack, version, snapshot)
    needed = images_needed(precision)
    if len(held) < needed:
        share, before = stack.config.train.holdout, version.config.get("holdout")
        told, hint = f"there are {len(held)}", _ask_less(stack, len(held))
        if before not in (None, share):
            told += f" that {version.name}, made with train.holdout: {before}, did not learn from"
            hint = "Train a version with this holdout: annoloop train --rerun"
        raise DataError(
            f"to promise {precision:.4g} precision takes at least {needed} labelled images of the "
            f"holdout, all predicted right; {told}",
            hint,
        )
    images = [Image(e.key, e.sha256) for e in held]
    said = list(_said(predictor, images))
    right = np.array([set(p.labels) == set(e.labels) for p, e in zip(said, held, strict=True)])
    confidence = np.array([p.score for p in said])
    threshold = choose_threshold(confidence, right, precision)
    if threshold.value is None:
        raise DataError(
            f"no confidence of {version.name} is high enough for {precision:.4g} precision: of "
            f"{len(held)} labelled images of the holdout it gets {int(right.sum())} right, and "
            "mistakes are among those that it is most sure of",
            "Look whether these labels are right: annoloop dataset review; annotate more and "
            "train again; or ask for less with --precision",
        )
    return _Judged(threshold, len(held))


def _held(stack: Stack, version: ModelVersion, snapshot: Snapshot) -> list[Example]:
    """Images of the holdout that people labelled, that the version did not learn from, and that
    have an embedding.

    Also those whose label the version does not know: it is wrong about them, as it is about the
    images like them that it would accept.
    """
    dataset, holdout = stack.config.dataset, stack.config.train.holdout
    examples, _ = examples_of(
        stack, dataset.name, snapshot.annotations, dataset.choice, dataset.agreement, holdout
    )
    held = [example for example in examples if example.split == "holdout"]
    held = not_trained_on(stack, version, held, holdout)
    lacking = stack.embeddings(version.backbone).missing(e.sha256 for e in held)
    return [example for example in held if example.sha256 not in lacking]


def _ask_less(stack: Stack, images: int) -> str:
    """What to do where so many images cannot show a precision: name the highest that they could."""
    for hundredths in range(99, 49, -1):
        if images_needed(hundredths / 100) <= images:
            less = f"annoloop dataset accept --precision 0.{hundredths}"
            return f"Annotate more images, or ask for less: {less}"
    return f"Annotate more images: annoloop dataset launch {quote(stack.config.dataset.name)}"


def _said(predictor: Predictor, images: Sequence[Image]) -> Iterator[Prediction]:
    for start in range(0, len(images), PART):
        part = images[start : start + PART]
        found = predictor.predict(part)
        yield from (found[image] for image in part)


@dataclass
class _Plan:
    """What may be accepted: task -> its prediction."""

    tasks: dict[int, Prediction] = field(default_factory=dict)
    untouched: int = 0
    spot_check: int = 0
    over_limit: int = 0


def _plan(
    stack: Stack,
    predictor: Predictor,
    task_index: TaskIndex,
    snapshot: Snapshot,
    threshold: Threshold,
    options: AcceptOptions,
    track: Track,
) -> _Plan:
    plan, sure = _Plan(), threshold.value
    assert sure is not None
    chosen: list[tuple[float, int, Prediction]] = []
    images = track(stack.catalog.images(), "look", len(stack.catalog))
    open_tasks = _Open(stack, predictor, task_index, snapshot)
    while part := list(islice(images, PART)):
        untouched = open_tasks.among(part)
        plan.untouched += len(untouched)
        said = predictor.predict([image for _, image in untouched])
        for task, image in untouched:
            prediction = said[image]
            if prediction.score < sure:
                continue
            if _is_spot_check(image.sha256, options.spot_check):
                plan.spot_check += 1
            else:
                chosen.append((-prediction.score, task, prediction))
    chosen.sort(key=lambda row: row[:2])  # the surest first, where there is a limit
    kept = chosen[: options.limit]
    plan.over_limit = len(chosen) - len(kept)
    plan.tasks = {task: prediction for _, task, prediction in kept}
    return plan


class _Open:
    """Tasks that may be accepted, as far as one knows before the server looks again."""

    def __init__(
        self, stack: Stack, predictor: Predictor, task_index: TaskIndex, snapshot: Snapshot
    ) -> None:
        self._task_index, self._version = task_index, predictor.version
        self._embeddings = stack.embeddings(predictor.version.backbone)
        self._holdout, self._blind = stack.config.train.holdout, blind_share(stack)
        self._recorded = recorded_split(stack, stack.config.dataset.name, self._holdout)
        self._touched = {a.task for a in snapshot.annotations}
        self._known = {a.sha256 for a in snapshot.annotations}

    def among(self, images: Sequence[Image]) -> list[tuple[int, Image]]:
        """Tasks of some images, with a prediction of the version."""
        now = {image.key: image for image in images if self._is_open(image)}
        lacking = self._embeddings.missing(image.sha256 for image in now.values())
        found = [
            (task.id, now[task.key])
            for task in self._task_index.tasks(now)
            if not task.replaced
            and not task.vanished
            and task.sha256 == now[task.key].sha256
            and task.sha256 not in lacking
            and task.id not in self._touched
        ]
        predicted, _ = self._task_index.predicted((task for task, _ in found), self._version.name)
        return [(task, image) for task, image in found if task in predicted]

    def _is_open(self, image: Image) -> bool:
        if image.sha256 in self._known or is_blind(image.sha256, self._blind):
            return False
        return split_of(image.sha256, self._holdout, self._recorded) != "holdout"


def _is_spot_check(sha256: str, share: float) -> bool:
    """Whether people get to see an image that the model is sure of: always the same ones.

    By a draw of its own: the images here are all on one side of the split.
    """
    return draw(sha256, SPOT_CHECK) < share


def _accept(
    stack: Stack,
    lease: Lease,
    project: ProjectCounts,
    version: ModelVersion,
    tasks: Sequence[int],
    track: Track,
) -> int:
    """Accept in chunks. Returns how many were, of tasks that are untouched still."""
    made = 0
    for start in track(range(0, len(tasks), CHUNK), "accept"):
        chunk = tasks[start : start + CHUNK]
        with _intent(stack).under_way(_now()), lease.guard():
            made += stack.studio.predictions.accept(project.id, chunk, version.name)
    return made


def _withdraw(
    stack: Stack,
    lease: Lease,
    project: ProjectCounts,
    snapshot: Snapshot,
    version: str,
    track: Track,
) -> tuple[int, int]:
    """Delete what was accepted. Returns how much there was, and how much is gone."""
    alone: list[Annotation] = []
    beside: list[Annotation] = []
    for said in by_task(snapshot.annotations).values():
        mine = [a for a in said if a.accepted == version]
        (alone if len(said) == 1 else beside).extend(mine)
    gone = 0
    for start in track(range(0, len(alone), CHUNK), "withdraw"):
        chunk = alone[start : start + CHUNK]
        for who in sorted({a.annotator for a in chunk}, key=str):
            tasks = [a.task for a in chunk if a.annotator == who]
            with _intent(stack).under_way(_now()), lease.guard():
                gone += stack.studio.annotations.withdraw_accepted(
                    project.id, tasks, who, snapshot.watermark
                )
    for a in beside:
        with lease.guard():
            gone += stack.studio.annotations.withdraw_one(a.id)
    return len(alone) + len(beside), gone


def _await_interrupted(stack: Stack, project: ProjectCounts) -> None:
    """Wait for the end of a request whose answer nobody received."""

    def counted() -> int | None:
        found = stack.studio.projects.get(project.id)
        return found.annotations if found else None

    _intent(stack).await_end(counted, longest=SECONDS_TO_WAIT)


def _intent(stack: Stack) -> Intent[dict[str, str]]:
    return Intent(stack.store, stack.config.dataset.name, "accepting", dict[str, str])


def _now() -> dict[str, str]:
    return {"at": datetime.now(timezone.utc).isoformat()}


def _record(stack: Stack, report: AcceptReport) -> None:
    """Keep why predictions were accepted."""
    now = datetime.now(timezone.utc).isoformat()
    told = ("version", "precision", "threshold", "holdout", "above", "errors", "low", "accepted")
    body = {"created_at": now, "by": stack.person, **{k: getattr(report, k) for k in told}}
    prefix = f"{DATASETS}/{stack.config.dataset.name}/accepted"
    Series[dict[str, object]](stack.store, prefix, dict).append(body)


def _report(
    stack: Stack,
    version: ModelVersion,
    options: AcceptOptions,
    judged: _Judged,
    plan: _Plan,
    made: int,
    begun: float,
) -> AcceptReport:
    threshold = judged.threshold
    assert threshold.value is not None
    assert threshold.low is not None
    labels = Counter(label for p in plan.tasks.values() for label in p.labels)
    return AcceptReport(
        dataset=stack.config.dataset.name,
        version=version.name,
        precision=options.precision,
        threshold=threshold.value,
        holdout=judged.images,
        above=threshold.n,
        errors=threshold.errors,
        low=round(threshold.low, 4),
        untouched=plan.untouched,
        spot_check=plan.spot_check,
        over_limit=plan.over_limit,
        accepted=made,
        passed_over=len(plan.tasks) - made,
        wrong_at_most=ceil(made * (1 - threshold.low)),
        labels={label: labels[label] for label in version.labels if labels[label]},
        applied=options.yes,
        seconds=_since(begun),
    )


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
