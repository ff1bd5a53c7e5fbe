"""Delete what was accepted from a version, unless a person changed it."""

import time
from dataclasses import dataclass

from annolooop.domain.annotations import Annotation, ProjectCounts, Snapshot, by_task
from annolooop.domain.progress import PENDING, Track
from annolooop.loop.labels.project import find_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.quality.accept import TASKS_AT_ONCE, finish_interrupted, request_under_way
from annolooop.loop.versions.versions import find_version
from annolooop.stack import Stack
from annolooop.storage.lease import Lease


@dataclass(frozen=True)
class UndoReport:
    """What `dataset accept --undo` did, or would do where ``applied`` is False.

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
        """PENDING where there is something to delete, and it was not done."""
        return PENDING if self.withdrawn and not self.applied else 0


def undo_accept(stack: Stack, name: str, yes: bool, track: Track) -> UndoReport:
    """Delete the annotations that were accepted from a version, unless a person changed them.

    Args:
        stack: the annotation loop.
        name: of the version.
        yes: do it; otherwise only count.
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
        count = sum(a.accepted == version.name for a in snapshot.annotations)
        return UndoReport(dataset, version.name, count, 0, False, _since(begun))
    with stack.lock("accept") as lease:
        finish_interrupted(stack, project)
        project = find_project(stack, dataset)
        snapshot, _ = pull_snapshot(stack, project)
        count, deleted = _withdraw(stack, lease, project, snapshot, version.name, track)
        if deleted:
            pull_snapshot(stack, find_project(stack, dataset))
    return UndoReport(dataset, version.name, deleted, count - deleted, True, _since(begun))


def _withdraw(
    stack: Stack,
    lease: Lease,
    project: ProjectCounts,
    snapshot: Snapshot,
    version: str,
    track: Track,
) -> tuple[int, int]:
    """Returns how many annotations were to be deleted, and how many were."""
    alone: list[Annotation] = []
    beside: list[Annotation] = []
    for answers in by_task(snapshot.annotations).values():
        accepted = [a for a in answers if a.accepted == version]
        (alone if len(answers) == 1 else beside).extend(accepted)
    deleted = 0
    for start in track(range(0, len(alone), TASKS_AT_ONCE), "withdraw"):
        chunk = alone[start : start + TASKS_AT_ONCE]
        for who in sorted({a.annotator for a in chunk}, key=str):
            tasks = [a.task for a in chunk if a.annotator == who]
            with request_under_way(stack), lease.guard():
                deleted += stack.studio.annotations.withdraw_accepted(
                    project.id, tasks, who, snapshot.watermark
                )
    for a in beside:
        with lease.guard():
            deleted += stack.studio.annotations.withdraw_one(a.id)
    return len(alone) + len(beside), deleted


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
