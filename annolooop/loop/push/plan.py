"""Which tasks Label Studio has: by the ledger while its counters agree with it, else by listing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.tasks import Image, Task
from annolooop.stack import Stack
from annolooop.storage.tasks import Ledger


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
    """Whether the ledger can be believed: the server counts what it says. Two requests, or three.

    Compared are the project, predictions by version, the newest task, and the number of tasks,
    less those that people uploaded and that are not collected yet.
    """
    ledger, studio = stack.ledger, stack.studio
    ledger.refresh()
    if ledger.project != project.identity:
        return False
    if ledger.counts() != _present(stack, project):
        return False
    total, newest = studio.tasks.newest(project.id)
    if len(ledger) == total:
        return not newest or ledger.holds(newest)
    others = {task for task, _ in studio.tasks.without_key(project.id)}
    return len(ledger) + len(others) == total and (newest in others or ledger.holds(newest))


def list_tasks(stack: Stack, project: ProjectCounts, ledger: Ledger, doubt: bool = False) -> None:
    """List all tasks, and make a ledger say what there is.

    Predictions are listed only of versions that the server counts otherwise than the ledger, or,
    where counters are in doubt, of all.
    """
    studio, name = stack.studio, project.identity
    ledger.mend_tasks(name, (task for task in studio.tasks.list(project.id) if task.key))
    present, noted = _present(stack, project), ledger.counts()
    for version in sorted(present.keys() | noted.keys()):
        count = present.get(version, 0)
        if doubt or count != noted.get(version, 0):
            listed = studio.predictions.tasks(project.id, [version]) if count else ()
            ledger.mend_predictions(name, version, listed, count)


def foreseen(stack: Stack, project: ProjectCounts, doubt: bool = False) -> Ledger:
    """The ledger if it can be believed, or else one that nobody else gets to see."""
    if not doubt and agrees(stack, project):
        return stack.ledger
    ledger = Ledger(stack.store, stack.config.dataset.name, kept=False)
    ledger.refresh()
    list_tasks(stack, project, ledger, doubt)
    return ledger


def find_lacking(
    ledger: Ledger,
    images: Iterable[Image],
    version: str,
    refresh: bool,
    is_blind: Callable[[str], bool] = lambda sha256: False,
) -> Plan:
    """What a ledger that is right says of the images of one part; arguments as for a pusher.

    Args:
        ledger: of the tasks.
        images: of one part.
        version, refresh: as for a pusher.
        is_blind: whether the image of this content is to have no prediction.
    """
    now = {image.key: image for image in images}
    found = list(ledger.tasks(now))
    tasks = {task.key: task for task in found if not task.replaced}
    current, others = ledger.predicted((task.id for task in tasks.values()), version)
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
