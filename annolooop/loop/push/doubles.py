"""Tasks and predictions that Label Studio has twice.

A computer that sleeps in the middle of a request loses its lock; another one sends the same
meanwhile, and then the first request goes out after all. Nobody can take that back beforehand, so
it is put right afterwards: of two tasks of one picture, one that nobody touched is deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from annolooop.domain.annotations import ProjectCounts
from annolooop.stack import Stack
from annolooop.storage.lease import Lease


@dataclass
class Doubles:
    """What was there twice.

    Attributes:
        tasks: that were deleted: nobody had touched them.
        predictions: likewise.
        answered: tasks that stay, because people have answered both.
    """

    tasks: int = 0
    predictions: int = 0
    answered: int = 0

    def add(self, other: "Doubles") -> None:
        self.tasks += other.tasks
        self.predictions += other.predictions
        self.answered += other.answered


def remove_doubled_tasks(
    stack: Stack, lease: Lease, project: ProjectCounts, groups: Sequence[Sequence[int]]
) -> Doubles:
    """Delete tasks of which there is another one, unless somebody has touched them.

    Args:
        stack: the annotation loop.
        lease: the lock, held.
        project: whose tasks they are.
        groups: ids of the tasks of one picture, each.
    """
    tasks = stack.studio.tasks
    untouched = tasks.untouched(project.id, [task for group in groups for task in group])
    spare: list[int] = []
    answered = 0
    for group in groups:
        free = [task for task in group if task in untouched]
        if len(free) == len(group):
            free = free[1:]  # one of them stays
        spare += free
        answered += len(group) - len(free) - 1
    with lease.guard():
        gone = tasks.delete_untouched(project.id, spare)
    if gone:
        stack.task_index.note(project.identity, gone=gone)
    return Doubles(tasks=len(gone), answered=answered)


def remove_doubled_predictions(
    stack: Stack, lease: Lease, project: ProjectCounts, version: str
) -> Doubles:
    """Delete all but the first prediction of a version, of tasks that nobody has touched."""
    removed = 0
    for extra in stack.studio.predictions.doubled(project.id, version):
        with lease.guard():
            stack.studio.predictions.delete_one(extra)
        removed += 1
    if removed:
        stack.task_index.note(project.identity, extra={version: -removed})
    return Doubles(predictions=removed)
