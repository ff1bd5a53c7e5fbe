"""Which tasks and predictions are missing in Label Studio.

The task index answers while the counters of the server agree with it; else all tasks are listed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.tasks import Image, Task
from annolooop.stack import Stack
from annolooop.storage.tasks import TaskIndex


@dataclass(frozen=True)
class PushPlan:
    """What is missing in Label Studio.

    Attributes:
        tasks: key -> task, of those that exist.
        new: images without a task.
        unpredicted: images whose task has no prediction, and should have one.
        changed: images whose task was made for another picture under the same key; they get a
            prediction, and a task of their own where people annotated the other picture.
        outdated: tasks that were replaced -> hash of the picture under their key now.
        stale: how many tasks are left with predictions of other versions only.
        blind: images whose prediction people do not see; they are only in ``new``.
        doubled: ids of tasks that are there twice, those of one picture together.
    """

    tasks: Mapping[str, Task] = field(default_factory=dict)
    new: Sequence[Image] = ()
    unpredicted: Sequence[Image] = ()
    changed: Mapping[Image, Task] = field(default_factory=dict)
    outdated: Mapping[Task, str] = field(default_factory=dict)
    stale: int = 0
    blind: frozenset[Image] = frozenset()
    doubled: Sequence[Sequence[int]] = ()

    @property
    def predictions(self) -> int:
        """How many predictions are missing."""
        return sum(image not in self.blind for image in self.new) + len(self.unpredicted)

    def __bool__(self) -> bool:
        work = self.new or self.unpredicted or self.changed or self.outdated
        return bool(work or self.doubled)


def agrees(stack: Stack, project: ProjectCounts) -> bool:
    """Whether the counters of the server agree with the task index. Two requests, or three.

    Compared are the project, the predictions by version, the newest task, and the number of tasks
    without those that people uploaded and that are not part of the dataset yet.
    """
    task_index, studio = stack.task_index, stack.studio
    task_index.refresh()
    if task_index.project != project.identity:
        return False
    if task_index.counts() != _present(stack, project):
        return False
    total, newest = studio.tasks.newest(project.id)
    if len(task_index) == total:
        return not newest or task_index.holds(newest)
    others = {task for task, _ in studio.tasks.without_key(project.id)}
    return len(task_index) + len(others) == total and (newest in others or task_index.holds(newest))


def list_tasks(
    stack: Stack, project: ProjectCounts, task_index: TaskIndex, doubt: bool = False
) -> None:
    """List all tasks, and correct a task index by the list.

    Predictions are listed only for versions whose number differs on the server; for all versions
    where the counters are in doubt.
    """
    studio, name = stack.studio, project.identity
    task_index.refresh()  # what others have noted is not written once more
    task_index.mend_tasks(name, (task for task in studio.tasks.list(project.id) if task.key))
    on_server, indexed = _present(stack, project), task_index.counts()
    for version in sorted(on_server.keys() | indexed.keys()):
        count = on_server.get(version, 0)
        if doubt or count != indexed.get(version, 0):
            listed = studio.predictions.tasks(project.id, [version]) if count else ()
            task_index.mend_predictions(name, version, listed, count)


def expected_index(stack: Stack, project: ProjectCounts, doubt: bool = False) -> TaskIndex:
    """The task index where the server agrees with it; else a corrected copy that is not stored."""
    if not doubt and agrees(stack, project):
        return stack.task_index
    task_index = TaskIndex(stack.store, stack.config.dataset.name, stored=False)
    list_tasks(stack, project, task_index, doubt)
    return task_index


def find_missing(
    task_index: TaskIndex,
    images: Iterable[Image],
    version: str,
    refresh: bool,
    is_blind: Callable[[str], bool] = lambda sha256: False,
) -> PushPlan:
    """What is missing for the images of one part.

    Args:
        task_index: agrees with the server.
        images: of one part.
        version, refresh: as for a pusher.
        is_blind: whether people see the image of this content without a prediction.
    """
    now = {image.key: image for image in images}
    known = list(task_index.tasks(now))
    together: dict[tuple[str, str], list[int]] = defaultdict(list)
    for task in known:
        if not task.replaced:
            together[task.key, task.sha256].append(task.id)
    doubled = [group for group in together.values() if len(group) > 1]
    # Of two tasks of a picture, the first one is that which stays.
    tasks = {task.key: task for task in reversed(known) if not task.replaced}
    current, others = task_index.predicted((task.id for task in tasks.values()), version)
    outdated = {
        task: now[task.key].sha256
        for task in known
        if task.replaced and task.shows != now[task.key].sha256
    }
    new = [image for image in now.values() if image.key not in tasks]
    task_of = {image: tasks[image.key] for image in now.values() if image.key in tasks}
    changed = {image: task for image, task in task_of.items() if task.sha256 != image.sha256}
    blind = frozenset(image for image in now.values() if is_blind(image.sha256))
    shown = ((i, t) for i, t in task_of.items() if i not in changed and i not in blind)
    missing = [image for image, task in shown if task.id not in current]
    unpredicted = [i for i in missing if refresh or task_of[i].id not in others]
    stale = len(missing) - len(unpredicted)
    return PushPlan(tasks, new, unpredicted, changed, outdated, stale, blind, doubled)


def _present(stack: Stack, project: ProjectCounts) -> dict[str, int]:
    counted = stack.studio.predictions.count_by_version(project.id)
    return {version: count for version, count in counted.items() if count}
