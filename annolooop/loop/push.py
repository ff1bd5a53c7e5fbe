"""Push tasks and predictions to Label Studio: each once, whatever interrupts it."""

import json
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from annolooop.records import Image, Prediction, ProjectCounts, Task, Track
from annolooop.stack import Stack
from annolooop.storage.lock import DatasetLock
from annolooop.storage.prefixes import DATASETS

T = TypeVar("T")

SETTLE = 10.0  # seconds without change after which an interrupted request counts as over
POLL = 0.5


@dataclass(frozen=True)
class Plan:
    """What Label Studio lacks.

    Attributes:
        tasks: key -> task, of those that exist.
        new: images without a task.
        bare: images whose task lacks a prediction that it should have.
        changed: images whose task was made for another picture under the same key; they get a
            prediction, and a task of their own where people annotated the other picture.
        behind: id of a task that was replaced -> the picture under its key, which it does not know.
        stale: how many tasks are left with predictions of other versions only.
        known: the server has predictions of this version already.
    """

    tasks: Mapping[str, Task] = field(default_factory=dict)
    new: Sequence[Image] = ()
    bare: Sequence[Image] = ()
    changed: Mapping[Image, Task] = field(default_factory=dict)
    behind: Mapping[int, str] = field(default_factory=dict)
    stale: int = 0
    known: bool = False


def plan(
    stack: Stack,
    project: ProjectCounts | None,
    images: Iterable[Image],
    version: str,
    refresh: bool,
) -> Plan:
    """Find out what Label Studio lacks; nothing is written.

    Args:
        stack: the annotation loop.
        project: the dataset's project, if it exists.
        images: that should have a task with a prediction.
        version: name of the model version.
        refresh: tasks that only have predictions of other versions should get one too.
    """
    if project is None:
        return Plan(new=list(images))
    studio = stack.studio
    found = [task for task in studio.tasks(project.id) if task.key]
    tasks = {task.key: task for task in found if not task.replaced}
    present = studio.model_versions(project.id)
    current = studio.tasks_predicted(project.id, [version] if version in present else [])
    others = studio.tasks_predicted(project.id, [v for v in present if v != version])
    listed = list(images)
    now = {image.key: image.sha256 for image in listed}
    behind = {
        t.id: now[t.key] for t in found if t.replaced and t.key in now and t.shows != now[t.key]
    }
    new = [image for image in listed if image.key not in tasks]
    there = {image: tasks[image.key] for image in listed if image.key in tasks}
    changed = {image: task for image, task in there.items() if task.sha256 != image.sha256}
    same = [image for image in there if image not in changed]
    lacking = [image for image in same if tasks[image.key].id not in current]
    bare = [i for i in lacking if refresh or tasks[i.key].id not in others]
    stale = len(lacking) - len(bare)
    return Plan(tasks, new, bare, changed, behind, stale, version in present)


def foresee(stack: Stack, todo: Plan) -> Plan:
    """What :func:`push` would tell of a plan: with what becomes of pictures that changed."""
    touched = {i for i, task in todo.changed.items() if stack.studio.is_touched(task.id)}
    new = [*todo.new, *(image for image in todo.changed if image in touched)]
    bare = [*todo.bare, *(image for image in todo.changed if image not in touched)]
    return replace(todo, new=new, bare=bare)


def push(
    stack: Stack,
    project: ProjectCounts,
    predictions: Mapping[Image, Prediction],
    version: str,
    refresh: bool,
    track: Track,
) -> Plan:
    """Create the tasks that are missing, and add predictions where they are missing.

    Args:
        stack, project, version, refresh: as for :func:`plan`.
        predictions: image -> what ``version`` says of it.
        track: shows how far it is.

    Returns:
        What was found to be missing, and was sent.
    """
    idle = stack.lock_idle()
    todo = plan(stack, project, predictions, version, refresh)
    if idle is not None and not _is_work(stack, project, todo, version):
        return todo
    with stack.lock("push") as lock:
        # What was seen while nobody wrote holds, if nobody has written since.
        if _settle(stack, project) or not lock.follows(idle):
            todo = plan(stack, project, predictions, version, refresh)
        if todo.changed or todo.behind:
            changed = todo.changed
            _renew(stack, lock, todo)
            todo = replace(plan(stack, project, predictions, version, refresh), changed=changed)
        _send(stack, lock, project, todo, predictions, version, track)
        if todo.new or todo.bare or todo.known:
            lock.check()
            _show(stack, project.id, version)
    return todo


def _is_work(stack: Stack, project: ProjectCounts, todo: Plan, version: str) -> bool:
    missing = todo.new or todo.bare or todo.changed or todo.behind
    hidden = todo.known and project.model_version != version
    return bool(missing or hidden or stack.store.exists(_note_key(stack)))


def _send(
    stack: Stack,
    lock: DatasetLock,
    project: ProjectCounts,
    todo: Plan,
    predictions: Mapping[Image, Prediction],
    version: str,
    track: Track,
) -> None:
    size = stack.config.label_studio.import_size
    shown_by = stack.studio.labelling(project.id).data
    progress = track(range(len(todo.new) + len(todo.bare)), "push")
    for chunk in (*_chunks(todo.new, size), *_chunks(todo.bare, size)):
        deque(islice(progress, len(chunk)), maxlen=0)
        _note(stack, chunk, version)
        lock.check()  # after the note: who takes the lock over now will find it
        if chunk[0].key in todo.tasks:
            sent = [(todo.tasks[image.key].id, predictions[image]) for image in chunk]
            stack.studio.create_predictions(project.id, sent, version)
        else:
            made = [(_data(stack, shown_by, image), predictions[image]) for image in chunk]
            stack.studio.create_tasks(project.id, made, version)
        stack.store.delete(_note_key(stack))
    deque(progress, maxlen=0)


def _show(stack: Stack, project: int, version: str) -> None:
    """Make the server show a version, unless another one was put in force or shown since."""
    promoted = stack.registry.promoted()
    now = stack.studio.read_project(project)
    if promoted and now and promoted.name == version != now.model_version:
        stack.studio.show_model_version(project, version)


def _renew(stack: Stack, lock: DatasetLock, todo: Plan) -> None:
    """Take note in Label Studio that other pictures lie under the keys of tasks.

    What people said of the earlier picture stays with it: their task is marked, and the picture
    that is there now gets another one. A task that nobody touched becomes that of the new one.
    """
    # Up to the next full second, as the server's clock is read without fractions.
    moment = (stack.studio.now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for number, sha256 in todo.behind.items():
        lock.check()
        stack.studio.note_replaced(number, sha256, moment)
    for image, task in todo.changed.items():
        lock.check()
        if stack.studio.forget_predictions(task.id):
            stack.studio.update_data(task.id, sha256=image.sha256)
        else:
            stack.studio.note_replaced(task.id, image.sha256, moment)


def _data(stack: Stack, shown_by: str, image: Image) -> dict[str, str]:
    return {shown_by: stack.image_source.url(image.key), "key": image.key, "sha256": image.sha256}


def _chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _note_key(stack: Stack) -> str:
    return f"{DATASETS}/{stack.config.dataset.name}/pushing.json"


def _note(stack: Stack, chunk: Sequence[Image], version: str) -> None:
    """Say in the store what is about to be sent; the note goes when the server has answered."""
    note = {"version": version, "keys": [image.key for image in chunk]}
    stack.store.put(_note_key(stack), json.dumps(note, ensure_ascii=False).encode())


def _settle(stack: Stack, project: ProjectCounts) -> bool:
    """Wait for the end of a request whose answer nobody received. Returns whether there was one.

    A server goes on with a request when its sender dies. Looking for what is missing before
    it is done would send it twice.
    """
    try:
        note = stack.store.get_json(_note_key(stack))
    except KeyError:
        return False
    studio, keys = stack.studio, set(note["keys"])
    seen, since = -1, time.monotonic()
    while True:
        ids = {task.id for task in studio.tasks(project.id) if task.key in keys}
        predicted = studio.tasks_predicted(project.id, [note["version"]])
        if len(ids & predicted) >= len(keys):
            break
        progress = len(ids) + len(ids & predicted)
        if progress != seen:
            seen, since = progress, time.monotonic()
        elif time.monotonic() - since > SETTLE:
            break
        time.sleep(POLL)
    stack.store.delete(_note_key(stack))
    return True
