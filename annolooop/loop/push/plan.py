"""Which tasks Label Studio has: by the index while its counters agree with it, else by listing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.tasks import Image, Task
from annolooop.stack import Stack
from annolooop.storage.tasks import TaskIndex


@dataclass(frozen=True)
class Plan:
    """What Label Studio lacks.

    Attributes:
        tasks: key -> task, of those that exist.
        new: images without a task.
        bare: images whose task lacks a prediction that it should have.
        changed: images whose task was made for another picture under the same key; they get a
            prediction, and a task of their own where people annotated the other picture.
        behind: tasks that were replaced -> the picture under their key, which they do not know.
        stale: how many tasks are left with predictions of other versions only.
        blind: images that get no prediction that people see; they are only in ``new``.
    """

    tasks: Mapping[str, Task] = field(default_factory=dict)
    new: Sequence[Image] = ()
    bare: Sequence[Image] = ()
    changed: Mapping[Image, Task] = field(default_factory=dict)
    behind: Mapping[Task, str] = field(default_factory=dict)
    stale: int = 0
    blind: frozenset[Image] = frozenset()

    @property
    def predictions(self) -> int:
        """How many predictions are lacking."""
        return sum(image not in self.blind for image in self.new) + len(self.bare)

    def __bool__(self) -> bool:
        return bool(self.new or self.bare or self.changed or self.behind)


def agrees(stack: Stack, project: ProjectCounts) -> bool:
    """Whether the index is right: the server counts what it says. Two requests, or three.

    Compared are the project, predictions by version, the newest task, and the number of tasks,
    less those that people uploaded and that are not collected yet.
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
    """List all tasks, and make a task index say what there is.

    Predictions are listed only of versions that the server counts otherwise than the index, or,
    where counters are in doubt, of all.
    """
    studio, name = stack.studio, project.identity
    task_index.mend_tasks(name, (task for task in studio.tasks.list(project.id) if task.key))
    present, noted = _present(stack, project), task_index.counts()
    for version in sorted(present.keys() | noted.keys()):
        count = present.get(version, 0)
        if doubt or count != noted.get(version, 0):
            listed = studio.predictions.tasks(project.id, [version]) if count else ()
            task_index.mend_predictions(name, version, listed, count)


def foreseen(stack: Stack, project: ProjectCounts, doubt: bool = False) -> TaskIndex:
    """The task index if it can be believed, or else one that nobody else gets to see."""
    if not doubt and agrees(stack, project):
        return stack.task_index
    task_index = TaskIndex(stack.store, stack.config.dataset.name, kept=False)
    task_index.refresh()
    list_tasks(stack, project, task_index, doubt)
    return task_index


def find_missing(
    task_index: TaskIndex,
    images: Iterable[Image],
    version: str,
    refresh: bool,
    is_blind: Callable[[str], bool] = lambda sha256: False,
) -> Plan:
    """What a task index that is right says of the images of one part; arguments as for a pusher.

    Args:
        task_index: of the tasks.
        images: of one part.
        version, refresh: as for a pusher.
        is_blind: whether the image of this content is to have no prediction.
    """
    now = {image.key: image for image in images}
    found = list(task_index.tasks(now))
    tasks = {task.key: task for task in found if not task.replaced}
    current, others = task_index.predicted((task.id for task in tasks.values()), version)
    behind = {
        task: now[task.key].sha256
        for task in found
        if task.replaced and task.shows != now[task.key].sha256
    }
    new = [image for image in now.values() if image.key not in tasks]
    there = {image: tasks[image.key] for image in now.values() if image.key in tasks}
    changed = {image: task for image, task in there.items() if task.sha256 != image.sha256}
    blind = frozenset(image for image in now.values() if is_blind(image.sha256))
    known = ((i, t) for i, t in there.items() if i not in changed and i not in blind)
    lacking = [image for image, task in known if task.id not in current]
    bare = [i for i in lacking if refresh or there[i].id not in others]
    return Plan(tasks, new, bare, changed, behind, len(lacking) - len(bare), blind)


def _present(stack: Stack, project: ProjectCounts) -> dict[str, int]:
    counted = stack.studio.predictions.count_by_version(project.id)
    return {version: count for version, count in counted.items() if count}
