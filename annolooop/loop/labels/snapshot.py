"""Pull annotations into a snapshot."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from annolooop.domain.annotations import Changes, ProjectCounts, Snapshot, compare
from annolooop.domain.loss import is_other_project
from annolooop.domain.moments import Moment
from annolooop.loop.labels.project import find_project
from annolooop.loop.labels.pull import pull
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.records import Document

WHOLE = timedelta(days=7)  # after which everything is pulled, whatever the counters say


def pull_snapshot(
    stack: Stack, project: ProjectCounts, whole: bool = False, accept_loss: bool = False
) -> tuple[Snapshot, Changes]:
    """Pull annotations; store a new snapshot if they differ from the last one.

    All of them, rather than what changed, if ``whole`` says so or that was a week ago.

    Of two that pull at the same moment one stores its snapshot, and the other pulls what came
    after it. So neither waits, and none is stored twice or hides a newer one.

    Returns:
        The newest snapshot, and what changed since the one before.

    Raises:
        RefusedError: answers are missing, or older than before, unless ``accept_loss`` allows it.
    """
    whole = whole or _is_due(stack, project)
    while True:
        last = stack.snapshots.latest()
        pulled = pull(stack.studio, project, last, whole, accept_loss)
        changes = compare(last, pulled)
        if changes or is_other_project(last, project):
            stored = stack.snapshots.write(replace(pulled, by=stack.person), last.number)
        else:
            stored = replace(last, watermark=pulled.watermark)
        if stored:
            if whole:
                _pulled(stack).write(_Pulled(project.identity, pulled.created_at))
            return stored, changes
        project = find_project(stack, stack.config.dataset.name)  # its counters have moved on


def _is_due(stack: Stack, project: ProjectCounts) -> bool:
    """Whether all annotations of a project were never pulled, or not for a long time."""
    note = _pulled(stack).read()
    if note is None:
        return True
    since = datetime.now(timezone.utc) - datetime.fromisoformat(note.at)
    return bool(note.project != project.identity or abs(since) > WHOLE)


@dataclass(frozen=True)
class _Pulled:
    """When all annotations were pulled, and of which project."""

    project: str
    at: Moment


def _pulled(stack: Stack) -> Document[_Pulled]:
    key = f"{DATASETS}/{stack.config.dataset.name}/pulled.json"
    return Document(stack.store, key, _Pulled, derived=True)
