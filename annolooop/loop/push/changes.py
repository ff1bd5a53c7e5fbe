"""What others put into the store, changed or removed, since `infer` looked."""

from collections import deque
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image, Task
from annolooop.labelstudio.api.data_manager import IDS_PER_URL
from annolooop.loop.push.plan import agrees
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefetch import prefetch
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.images import is_image_name, place_of
from annolooop.storage.lease import Lease
from annolooop.storage.listing import Keys, ListingDiff
from annolooop.storage.records import Document

REQUESTS_AT_ONCE = 4
MOST_VANISHED = 0.5  # share of the images; more at once look like a mistake


class Present(Container[str]):
    """Keys of images of the dataset that are in the store; asked of tables, not held."""

    def __init__(self, diff: ListingDiff) -> None:
        self._diff = diff

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._diff.has_image(key)

    def images(self) -> Iterator[Image]:
        """The images, by key, as the catalogue knows them."""
        for item, sha256, _ in self._diff.images():
            yield Image(item.key, sha256 or "")


@dataclass(frozen=True)
class StoreChanges:
    """How the store differs from the catalogue.

    Attributes:
        new: objects with the name of an image, where the dataset has images.
        changed: images of the dataset whose etag is another one. Neither holds objects that
            `infer` skipped and that have not changed since.
        vanished: images of the dataset that are not there.
        present: images of the dataset that are there.
        batches: what `infer --batch` takes for ``new``.
    """

    new: Collection[str]
    changed: Collection[str]
    vanished: Collection[str]
    present: Present
    batches: tuple[str, ...]


@dataclass(frozen=True)
class MarkCounts:
    """How many tasks were marked, lost their mark, and got none since most images are gone."""

    marked: int = 0
    unmarked: int = 0
    withheld: int = 0


def find_changes(stack: Stack) -> StoreChanges:
    """List the places where the dataset has images, once; nothing is read or written."""
    catalog = stack.catalog
    places = catalog.places()
    diff = catalog.listing_diff()
    batches: set[str] = set()

    def new() -> Iterator[str]:
        for item, sha256, _ in diff.new_or_changed():
            key = item.key
            if sha256 is None and is_image_name(key) and _is_text(key):
                place = place_of(key, places)
                if place is not None:
                    batches.add(place)
                    yield key

    return StoreChanges(
        Keys(catalog.index, new()),
        Keys(
            catalog.index, (f.key for f, sha256, _ in diff.new_or_changed() if sha256 is not None)
        ),
        diff.missing(),
        Present(diff),
        tuple(_batch(stack, place) for place in sorted(batches)),
    )


def mark_vanished(
    stack: Stack,
    project: ProjectCounts,
    changes: StoreChanges,
    sure: bool,
    check: bool,
    track: Track,
) -> MarkCounts:
    """Mark the tasks whose image vanished, and take the mark from those whose image is back.

    Args:
        stack, project: the annotation loop, and the dataset's project.
        changes: what the store holds.
        sure: mark even if most images of the dataset vanished at once.
        check: write nothing, and count what would be done.
        track: shows the progress.

    Raises:
        UnreachableError: Label Studio or the store fails; what was marked stays so.
    """
    if not len(changes.vanished) and not _note(stack, stack.config.dataset.name).exists():
        return MarkCounts()
    idle = stack.lock_idle()
    lost, back = _differing(stack, project, changes)
    few = len({task.key for task in lost}) <= MOST_VANISHED * len(stack.catalog)
    marking = sure or few
    if (back or (lost and marking)) and not check:
        with stack.lock("sync") as lease:
            if not lease.follows(idle):  # somebody wrote since, and may have marked them
                lost, back = _differing(stack, project, changes)
            _write(stack, project, lease, lost if marking else [], back, track)
    marked = len(lost) if marking else 0
    return MarkCounts(marked, len(back), len(lost) - marked)


def _write(
    stack: Stack,
    project: ProjectCounts,
    lease: Lease,
    lost: Sequence[Task],
    back: Sequence[Task],
    track: Track,
) -> None:
    moment = stack.studio.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    note = _note(stack, stack.config.dataset.name)
    if lost:
        note.write({"since": moment})
    progress = track([*lost, *back], "mark", len(lost) + len(back))
    for tasks, since in ((lost, moment), (back, "")):
        for start in range(0, len(tasks), IDS_PER_URL):
            some = list(islice(progress, len(tasks[start : start + IDS_PER_URL])))
            with lease.guard():
                _mark_some(stack, project, some, since)
    if not stack.studio.tasks.count_vanished(project.id):
        note.delete()


def _mark_some(stack: Stack, project: ProjectCounts, tasks: Sequence[Task], since: str) -> None:
    """Mark some tasks, or take their mark: there is no request for several, so a few at once."""
    data = stack.studio.tasks.data(project.id, [task.id for task in tasks])
    there = [task for task in tasks if task.id in data]
    written = prefetch(
        lambda t: stack.studio.tasks.mark_vanished(t.id, data[t.id], since), there, REQUESTS_AT_ONCE
    )
    deque(written, maxlen=0)
    noted = [replace(task, vanished=bool(since)) for task in there]
    stack.task_index.note(project.identity, noted)


def count_marked(stack: Stack, name: str, project: ProjectCounts) -> int:
    """How many tasks of a dataset are marked; most datasets never had one, and cost no request."""
    return stack.studio.tasks.count_vanished(project.id) if _note(stack, name).exists() else 0


def _note(stack: Stack, name: str) -> Document[dict[str, str]]:
    """There while tasks may be marked."""
    return Document(stack.store, f"{DATASETS}/{name}/vanished.json", dict[str, str])


def _differing(
    stack: Stack, project: ProjectCounts, changes: StoreChanges
) -> tuple[list[Task], list[Task]]:
    """Tasks that need a mark and have none, and those that have one and need none."""
    gone = changes.vanished
    if agrees(stack, project):
        lost = [task for task in stack.task_index.tasks(gone) if not task.vanished]
        marked = stack.task_index.vanished()
    else:
        listed = stack.studio.tasks.list(project.id, vanished=not len(gone))
        tasks = [task for task in listed if task.vanished or task.key in gone]
        lost = [task for task in tasks if not task.vanished]
        marked = [task for task in tasks if task.vanished]
    return lost, [task for task in marked if task.key in changes.present]


def _is_text(key: str) -> bool:
    """Whether a key is text, which names of files need not be; `infer` takes no others."""
    return not any("\ud800" <= letter <= "\udfff" for letter in key)


def _batch(stack: Stack, place: str) -> str:
    """What names a folder of the store, and not one that is here by chance."""
    return f"{stack.store.url}/{place}".rstrip("/") if not place or Path(place).exists() else place
