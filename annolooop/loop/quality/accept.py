"""Make annotations of predictions that are correct often enough, without showing them to people."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from math import ceil
from typing import Annotated, Any

from annolooop.domain.annotations import ProjectCounts, Snapshot
from annolooop.domain.answers import count_tasks
from annolooop.domain.progress import PENDING, Track
from annolooop.domain.versions import ModelVersion
from annolooop.errors import DataError, UsageError
from annolooop.loop.labels.project import find_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.push.plan import agrees, expected_index, list_tasks
from annolooop.loop.quality.propose import AcceptOptions, Proposal, propose
from annolooop.loop.quality.thresholds import LabelThreshold
from annolooop.loop.rounds.next_step import LoopState
from annolooop.loop.versions.predict import Predictor, require_current
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.intents import Intent
from annolooop.storage.lease import Lease
from annolooop.storage.series import Series

TASKS_AT_ONCE = 500  # in one request; Label Studio on SQLite takes about 3 ms for each
SECONDS_TO_WAIT = 60.0  # for the end of an interrupted request: people annotate all the while


@dataclass(frozen=True)
class AcceptReport:
    """What `dataset accept` did, or would do where ``applied`` is False.

    Attributes:
        dataset: its name.
        version: whose predictions are accepted.
        precision: that was asked for.
        threshold: predictions of at least that confidence are accepted.
        holdout: labelled images of the holdout that the threshold was chosen on.
        above: of these, with at least that confidence.
        errors: of these, wrongly predicted.
        low: lower end of their precision, 95 %, one-sided.
        untouched: tasks with a prediction that nobody touched, outside of the holdout.
        spot_check: of the confident ones, those left for people.
        over_limit: confident ones that ``--limit`` left for the next time.
        accepted: tasks whose prediction was, or would be, accepted.
        passed_over: tasks that someone touched meanwhile.
        wrong_at_most: how many of ``accepted`` may be wrong, by ``low``.
        labels: of what was, or would be, accepted.
        applied: it was done.
        to_do: tasks that are neither labelled nor skipped, after this run.
        per_label: where each label has its own threshold, these; ``threshold`` and ``low`` are the
            lowest of them then, ``above`` and ``errors`` their sums.
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
    to_do: int = 0
    per_label: tuple[LabelThreshold, ...] = ()

    @property
    def state(self) -> LoopState:
        """The loop after this run."""
        shown = bool(self.untouched or self.applied)
        known = LoopState(dataset=self.dataset, to_do=self.to_do)
        return known if shown else replace(known, batch="", stale=True)

    @property
    def exit_code(self) -> int:
        """PENDING where there is something to accept, and it was not done."""
        return PENDING if self.accepted and not self.applied else 0


def accept(stack: Stack, options: AcceptOptions, track: Track) -> AcceptReport:
    """Make annotations of predictions that are correct often enough.

    The holdout shows from which confidence on they are: the model did not learn from it, and only
    people's labels of it count; see :mod:`annolooop.model.judging.acceptance`. Predictions of the
    current version are accepted for tasks that nobody touched, except those of the holdout and of
    blind images, which measure the model.

    Raises:
        UsageError: a share that is out of range.
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
    version = require_current(stack)
    if not version.trained:
        raise DataError(
            f"model {version.name} is not trained yet, so none of its predictions can be accepted",
            "Annotate, then: annoloop train --rerun",
        )
    predictor = Predictor(stack, version, stack.embeddings(version.backbone))
    project = find_project(stack, stack.config.dataset.name)
    if not options.yes:
        snapshot = pull(stack.studio, project, stack.snapshots.latest())
        to_do = _to_do(stack, project, snapshot)
        proposal = propose(
            stack, predictor, expected_index(stack, project), snapshot, options, track
        )
        return _report(stack, version, options, proposal, len(proposal.tasks), begun, to_do)
    with stack.lock("accept") as lease:
        finish_interrupted(stack, project)
        project = find_project(stack, stack.config.dataset.name)
        snapshot, _ = pull_snapshot(stack, project)
        to_do = _to_do(stack, project, snapshot)
        if not agrees(stack, project):
            list_tasks(stack, project, stack.task_index)
        proposal = propose(stack, predictor, stack.task_index, snapshot, options, track)
        planned = _report(stack, version, options, proposal, len(proposal.tasks), begun, to_do)
        if not proposal.tasks:
            return planned
        now = datetime.now(timezone.utc).isoformat()
        begun_with = count_accepted(snapshot, version.name)
        with _intent(stack).under_way(Accepting(now, begun_with, _record_of(stack, planned))):
            made = _accept(stack, lease, project, version, list(proposal.tasks), track)
            report = _report(stack, version, options, proposal, made, begun, to_do - made)
            _records(stack).append(_record_of(stack, report))
        pull_snapshot(stack, find_project(stack, project.title))
    return report


def _to_do(stack: Stack, project: ProjectCounts, snapshot: Snapshot) -> int:
    counts = count_tasks(snapshot.annotations, stack.config.dataset.choice)
    return counts.to_do(project.tasks)


def _accept(
    stack: Stack,
    lease: Lease,
    project: ProjectCounts,
    version: ModelVersion,
    tasks: Sequence[int],
    track: Track,
) -> int:
    """Accept in chunks. Returns how many tasks were still untouched, and were accepted."""
    made = 0
    for start in track(range(0, len(tasks), TASKS_AT_ONCE), "accept"):
        chunk = tasks[start : start + TASKS_AT_ONCE]
        with lease.guard():
            made += stack.studio.predictions.accept(project.id, chunk, version.name)
    return made


def _is_record(record: dict[str, Any]) -> dict[str, Any]:
    """The record as it is; ValueError where it has no version."""
    if record and not isinstance(record.get("version"), str):
        raise ValueError
    return record


@dataclass(frozen=True)
class Accepting:
    """What is announced while predictions are accepted, or taken back.

    Attributes:
        at: since when, ISO 8601.
        before: how many of the version were accepted before.
        record: of :func:`accept`, which is kept when the requests have ended.
    """

    at: str = ""
    before: int = 0
    record: Annotated[dict[str, Any], _is_record] = field(default_factory=dict)


def count_accepted(snapshot: Snapshot, version: str) -> int:
    """How many predictions of a version are accepted."""
    return sum(a.accepted == version for a in snapshot.annotations)


def finish_interrupted(stack: Stack, project: ProjectCounts) -> None:
    """Wait for the end of requests whose sender is gone, and keep its record in its place."""

    def annotations() -> int | None:
        now = stack.studio.projects.get(project.id)
        return now.annotations if now else None

    if not _intent(stack).exists():
        return
    left = _intent(stack).read()
    _intent(stack).await_end(annotations, longest=SECONDS_TO_WAIT)
    if left and left.record:
        now = find_project(stack, stack.config.dataset.name)
        snapshot, _ = pull_snapshot(stack, now)
        made = count_accepted(snapshot, left.record["version"]) - left.before
        if made > 0:
            _records(stack).append({**left.record, "accepted": made})


def request_under_way(stack: Stack) -> AbstractContextManager[None]:
    """Around a request that deletes: it is announced in the store meanwhile."""
    return _intent(stack).under_way(Accepting(datetime.now(timezone.utc).isoformat()))


def _intent(stack: Stack) -> Intent[Accepting]:
    return Intent(stack.store, stack.config.dataset.name, "accepting", Accepting)


def _records(stack: Stack) -> Series[dict[str, Any]]:
    """Why predictions were accepted."""
    return Series(stack.store, f"{DATASETS}/{stack.config.dataset.name}/accepted", dict)


def _record_of(stack: Stack, report: AcceptReport) -> dict[str, Any]:
    now = datetime.now(timezone.utc).isoformat()
    kept = ("version", "precision", "threshold", "holdout", "above", "errors", "low", "accepted")
    return {"created_at": now, "by": stack.person, **{k: getattr(report, k) for k in kept}}


def _report(
    stack: Stack,
    version: ModelVersion,
    options: AcceptOptions,
    proposal: Proposal,
    made: int,
    begun: float,
    to_do: int,
) -> AcceptReport:
    threshold, own = proposal.thresholds.together, proposal.thresholds.labels
    assert threshold.value is not None
    assert threshold.low is not None
    labels = Counter(label for p in proposal.tasks.values() for label in p.labels)
    wrong = {row.label: 1 - row.threshold.low for row in own if row.threshold.low is not None}
    share = sum(wrong.get(label, 0.0) * n for label, n in labels.items()) / max(labels.total(), 1)
    return AcceptReport(
        dataset=stack.config.dataset.name,
        version=version.name,
        precision=options.precision,
        threshold=threshold.value,
        holdout=proposal.thresholds.holdout,
        above=threshold.n,
        errors=threshold.errors,
        low=round(threshold.low, 4),
        untouched=proposal.untouched,
        spot_check=proposal.spot_check,
        over_limit=proposal.over_limit,
        accepted=made,
        passed_over=len(proposal.tasks) - made,
        wrong_at_most=ceil(made * (share if own else 1 - threshold.low)),
        labels={label: labels[label] for label in version.labels if labels[label]},
        applied=options.yes,
        seconds=round(time.monotonic() - begun, 3),
        to_do=to_do,
        per_label=own,
    )
