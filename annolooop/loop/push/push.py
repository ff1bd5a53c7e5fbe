"""Push tasks and predictions to Label Studio: each once, whatever interrupts it."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.progress import Track, untracked
from annolooop.domain.tasks import Image, Prediction, Task
from annolooop.labelstudio.api.connection import Rejected
from annolooop.loop.push.blind import BlindBook, is_blind
from annolooop.loop.push.plan import Plan, agrees, find_lacking, foreseen, list_tasks
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.lease import DatasetLock
from annolooop.storage.tasks import Ledger

T = TypeVar("T")
Say = Callable[[Sequence[Image]], Mapping[Image, Prediction]]

PART = 5000  # images that are planned and sent at a time
SETTLE = 10.0  # seconds without change after which an interrupted request counts as over
POLL = 0.5


class Pusher:
    """Sends the images of one run, in parts of some thousands; the lock is held for each part.

    Args:
        stack: the annotation loop.
        project: the dataset's project; ``None`` where there is none yet, to foresee only.
        version: name of the model version.
        refresh: tasks that only have predictions of other versions should get one too.
        doubt: list all tasks first, even if the server's counters are as the ledger says.
    """

    def __init__(
        self,
        stack: Stack,
        project: ProjectCounts | None,
        version: str,
        refresh: bool,
        doubt: bool = False,
    ) -> None:
        self._stack, self._project = stack, project
        self._version, self._refresh, self._doubt = version, refresh, doubt
        self._blind = BlindBook(stack, version, refresh)
        self._holds: int | None = None  # state of the lock for which the ledger was right
        self._foreseen: Ledger | None = None
        self._sent = False

    def foresee(self, images: Iterable[Image]) -> Plan:
        """What :meth:`send` would tell of a part; nothing is written."""
        if self._project is None:
            return Plan(new=list(images))
        if self._foreseen is None:
            self._foreseen = foreseen(self._stack, self._project, self._doubt)
        todo = self._plan(images, self._foreseen)
        touched = {
            i for i, task in todo.changed.items() if self._stack.studio.tasks.is_touched(task.id)
        }
        new = [*todo.new, *(image for image in todo.changed if image in touched)]
        others = (image for image in todo.changed if image not in touched)
        bare = [*todo.bare, *(image for image in others if image not in todo.blind)]
        return replace(todo, new=new, bare=bare)

    def send(self, predictions: Mapping[Image, Prediction], track: Track = untracked) -> Plan:
        """Create the tasks of one part that are missing, and add predictions that are missing.

        Args:
            predictions: image -> what the version says of it.
            track: shows how far it is.

        Returns:
            What was found to be missing, and was sent.
        """
        return self.send_images(list(predictions), lambda images: predictions, track)

    def send_images(self, images: Sequence[Image], say: Say, track: Track = untracked) -> Plan:
        """The same, where what the version says is only asked of images that lack something.

        Of blind images it is kept in the store, and Label Studio is not told.
        """
        done = self._send_part(images, say, track)
        self._blind.note(images, say)
        return done

    def _send_part(self, images: Sequence[Image], say: Say, track: Track) -> Plan:
        stack = self._stack
        idle = stack.lock_idle()
        # What is known while nobody writes holds until somebody writes.
        if idle is not None and self._knows(idle):
            todo = self._plan(images, stack.ledger)
            if not todo and not stack.store.exists(_note_key(stack)):
                return todo
        with stack.lock("push") as lock:
            settled = self._settle()
            if not self._doubt and (settled or self._holds in (lock.number - 1, lock.number)):
                self._holds = lock.number
            elif not self._knows(lock.number):
                self._list(lock)
            todo = self._plan(images, stack.ledger)
            if todo.changed or todo.behind:
                self._renew(lock, todo)
                todo = replace(self._plan(images, stack.ledger), changed=todo.changed)
            try:
                self._send(lock, todo, say, track)
            except Rejected:
                if not todo.bare:
                    raise
                self._list(lock)  # people deleted a task just now
                again = self._plan(images, stack.ledger)
                self._send(lock, again, say, untracked)
                lost = set(again.new)
                kept = [image for image in todo.bare if image not in lost]
                todo = replace(todo, new=[*todo.new, *again.new], bare=kept)
        self._sent = True
        return todo

    def finish(self) -> None:
        """Make the server show the version, unless another one was put in force meanwhile."""
        assert self._project
        self._blind.write()
        shown = self._project.model_version == self._version
        if not self._sent:
            # Someone may have been interrupted just before.
            present = (
                () if shown else self._stack.studio.predictions.count_by_version(self._project.id)
            )
            if self._version not in present:
                return
        with self._stack.lock("push") as lock:
            lock.check()
            _show(self._stack, self._project.id, self._version)

    def _knows(self, state: int) -> bool:
        """Whether the ledger is right while the lock is in this state."""
        assert self._project
        if self._doubt:
            return False
        if self._holds != state and agrees(self._stack, self._project):
            self._holds = state
        return self._holds == state

    def _list(self, lock: DatasetLock) -> None:
        assert self._project
        list_tasks(self._stack, self._project, self._stack.ledger, self._doubt)
        self._doubt = False
        self._holds = lock.number

    def _plan(self, images: Iterable[Image], ledger: Ledger) -> Plan:
        share = self._blind.share
        return find_lacking(
            ledger, images, self._version, self._refresh, lambda sha256: is_blind(sha256, share)
        )

    def _send(self, lock: DatasetLock, todo: Plan, say: Say, track: Track) -> None:
        assert self._project
        stack, project, version = self._stack, self._project, self._version
        size = stack.config.label_studio.import_size
        progress = track(range(len(todo.new) + len(todo.bare)), "push")
        shown_by = stack.studio.projects.labelling(project.id).data
        for chunk in _chunks(todo.new, size):
            deque(islice(progress, len(chunk)), maxlen=0)
            shown = [image for image in chunk if image not in todo.blind]
            predictions = say(shown) if shown else {}
            said = {image: predictions[image] for image in shown}
            made = [(_data(stack, shown_by, image), said.get(image)) for image in chunk]
            _note(stack, chunk, version, len(shown))
            lock.check()  # after the note: who takes the lock over now will find it
            ids, predicted = stack.studio.tasks.create(project.id, made, version)
            if len(ids) == len(chunk):
                tasks = [_task(number, i) for number, i in zip(ids, chunk, strict=True)]
                having = {version: [n for n, i in zip(ids, chunk, strict=True) if i in said]}
                stack.ledger.note(project.identity, tasks, having if predicted else None)
                if not predicted:
                    pairs = zip(ids, chunk, strict=True)
                    sent = [(n, said[image]) for n, image in pairs if image in said]
                    stack.studio.predictions.create(project.id, sent, version)
                    stack.ledger.note(project.identity, predicted=having)
            else:
                self._holds = None
            stack.store.delete(_note_key(stack))
        for chunk in _chunks(todo.bare, self._predictions_at_once()):
            deque(islice(progress, len(chunk)), maxlen=0)
            predictions = say(chunk)
            sent = [(todo.tasks[image.key].id, predictions[image]) for image in chunk]
            _note(stack, chunk, version, len(chunk))
            lock.check()
            stack.studio.predictions.create(project.id, sent, version)
            stack.ledger.note(project.identity, predicted={version: [task for task, _ in sent]})
            stack.store.delete(_note_key(stack))
        deque(progress, maxlen=0)

    def _predictions_at_once(self) -> int:
        """How many predictions one request adds to tasks that are there.

        Without the flag that our own server gets, the server counts all tasks of the project
        anew for each request, so there should be fewer of them.
        """
        assert self._project
        size = self._stack.config.label_studio.import_size
        return size if self._stack.daemon else max(size, min(PART, self._project.tasks // 10))

    def _renew(self, lock: DatasetLock, todo: Plan) -> None:
        """Take note in Label Studio that other pictures lie under the keys of tasks.

        What people said of the earlier picture stays with it: their task is marked, and the
        picture that is there now gets another one. A task that nobody touched becomes that of the
        new one.
        """
        assert self._project
        stack, studio = self._stack, self._stack.studio
        # Up to the next full second, as the server's clock is read without fractions.
        moment = (studio.now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        _note(stack, (), self._version, 0)  # no counter tells of it: who is interrupted lists all
        noted, forgotten = [], []
        for task, sha256 in todo.behind.items():
            lock.check()
            studio.tasks.note_replaced(task.id, sha256, moment)
            noted.append(replace(task, shows=sha256))
        for image, task in todo.changed.items():
            lock.check()
            if studio.tasks.delete_predictions(task.id):
                studio.tasks.update_data(task.id, sha256=image.sha256)
                noted.append(replace(task, sha256=image.sha256, shows=image.sha256))
                forgotten.append(task.id)
            else:
                studio.tasks.note_replaced(task.id, image.sha256, moment)
                noted.append(replace(task, replaced=True, shows=image.sha256))
        stack.ledger.note(self._project.identity, noted, forgotten=forgotten)
        stack.store.delete(_note_key(stack))

    def _settle(self) -> bool:
        """Wait for the end of a request whose answer nobody received, and list all tasks.

        A server goes on with a request when its sender dies. Looking for what is missing before
        it is done would send it twice.

        Returns:
            Whether there was one.
        """
        assert self._project
        stack, project = self._stack, self._project
        try:
            note = stack.store.get_json(_note_key(stack))
        except KeyError:
            return False
        seen, since = None, time.monotonic()
        while True:
            counted = stack.studio.tasks.newest(project.id)
            now = (counted, stack.studio.predictions.count_by_version(project.id))
            if now != seen:
                seen, since = now, time.monotonic()
                list_tasks(stack, project, stack.ledger)
                ids = [task.id for task in stack.ledger.tasks(note["keys"])]
                there = len(stack.ledger.predicted(ids, note["version"])[0])
                wanted = note.get("predictions", len(note["keys"]))
                if len(ids) >= len(note["keys"]) and there >= wanted:
                    break
            elif time.monotonic() - since > SETTLE:
                break
            time.sleep(POLL)
        stack.store.delete(_note_key(stack))
        return True


def push(
    stack: Stack,
    project: ProjectCounts,
    predictions: Mapping[Image, Prediction],
    version: str,
    refresh: bool,
    track: Track,
) -> Plan:
    """Create the tasks that are missing, add predictions where they are missing, show the version.

    Returns:
        What was found to be missing, and was sent.
    """
    pusher = Pusher(stack, project, version, refresh)
    done = Plan()
    for part in _chunks(list(predictions), PART):
        sent = pusher.send({image: predictions[image] for image in part}, track)
        done = Plan(
            {**done.tasks, **sent.tasks},
            [*done.new, *sent.new],
            [*done.bare, *sent.bare],
            {**done.changed, **sent.changed},
            {**done.behind, **sent.behind},
            done.stale + sent.stale,
            done.blind | sent.blind,
        )
    pusher.finish()
    return done


def _show(stack: Stack, project: int, version: str) -> None:
    """Make the server show a version, unless another one was put in force or shown since."""
    promoted = stack.registry.promoted()
    now = stack.studio.projects.get(project)
    if not (promoted and now and promoted.name == version != now.model_version):
        return
    # The server refuses a version of which it has no prediction: all images may be blind.
    if version in stack.studio.predictions.count_by_version(project):
        stack.studio.projects.show_version(project, version)


def _task(number: int, image: Image) -> Task:
    return Task(number, image.key, image.sha256, shows=image.sha256)


def _data(stack: Stack, shown_by: str, image: Image) -> dict[str, str]:
    return {shown_by: stack.image_source.url(image.key), "key": image.key, "sha256": image.sha256}


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _note_key(stack: Stack) -> str:
    return f"{DATASETS}/{stack.config.dataset.name}/pushing.json"


def _note(stack: Stack, chunk: Sequence[Image], version: str, predictions: int) -> None:
    """Say in the store what is about to be sent; the note goes when the ledger tells of it."""
    note = {
        "version": version,
        "keys": [image.key for image in chunk],
        "predictions": predictions,
    }
    stack.store.put(_note_key(stack), json.dumps(note, ensure_ascii=False).encode())
