"""Push tasks and predictions to Label Studio: each once, whatever interrupts it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.progress import Progress, Track, untracked
from annolooop.domain.tasks import Image, Prediction, Task
from annolooop.errors import Stopped
from annolooop.labelstudio.api.connection import Rejected
from annolooop.loop.push.blind import BlindBook, is_blind
from annolooop.loop.push.plan import Plan, agrees, find_missing, foreseen, list_tasks
from annolooop.stack import Stack
from annolooop.storage.intents import Intent
from annolooop.storage.lease import Lease
from annolooop.storage.tasks import TaskIndex

T = TypeVar("T")
Say = Callable[[Sequence[Image]], Mapping[Image, Prediction]]

PART = 5000  # images that are planned and sent at a time


@dataclass(frozen=True)
class Sending:
    """What is about to be sent.

    Attributes:
        version: of the model.
        keys: of the images.
        predictions: how many of them are to have a prediction of the version.
    """

    version: str
    keys: tuple[str, ...]
    predictions: int


class Pusher:
    """Sends the images of one run, in parts of some thousands; the lock is held for each part.

    Args:
        stack: the annotation loop.
        project: the dataset's project; ``None`` where there is none yet, to foresee only.
        version: name of the model version.
        refresh: tasks that only have predictions of other versions should get one too.
        doubt: list all tasks first, even if the server's counters are as the task index says.
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
        name = stack.config.dataset.name
        self._intent: Intent[Sending] = Intent(stack.store, name, "pushing", Sending)
        self._blind = BlindBook(stack, version, refresh)
        self._holds: int | None = None  # state of the lock for which the task index was right
        self._foreseen: TaskIndex | None = None
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
            todo = self._plan(images, stack.task_index)
            if not todo and not self._intent.is_announced():
                return todo
        with stack.lock("push") as lease:
            listed = self._await_interrupted()
            if not self._doubt and (listed or self._holds in (lease.number - 1, lease.number)):
                self._holds = lease.number
            elif not self._knows(lease.number):
                self._list(lease)
            todo = self._plan(images, stack.task_index)
            if todo.changed or todo.behind:
                self._renew(lease, todo)
                todo = replace(self._plan(images, stack.task_index), changed=todo.changed)
            try:
                self._send(lease, todo, say, track)
            except Rejected:
                if not todo.bare:
                    raise
                self._list(lease)  # people deleted a task just now
                again = self._plan(images, stack.task_index)
                self._send(lease, again, say, untracked)
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
        with self._stack.lock("push") as lease, lease.guard():
            _show(self._stack, self._project.id, self._version)

    def _knows(self, state: int) -> bool:
        """Whether the task index is right while the lock is in this state."""
        assert self._project
        if self._doubt:
            return False
        if self._holds != state and agrees(self._stack, self._project):
            self._holds = state
        return self._holds == state

    def _list(self, lease: Lease) -> None:
        assert self._project
        list_tasks(self._stack, self._project, self._stack.task_index, self._doubt)
        self._doubt = False
        self._holds = lease.number

    def _plan(self, images: Iterable[Image], task_index: TaskIndex) -> Plan:
        share = self._blind.share
        return find_missing(
            task_index, images, self._version, self._refresh, lambda sha256: is_blind(sha256, share)
        )

    def _send(self, lease: Lease, todo: Plan, say: Say, track: Track) -> None:
        assert self._project
        stack, project, version = self._stack, self._project, self._version
        size = stack.config.label_studio.import_size
        progress = Progress(track, "push", len(todo.new) + len(todo.bare))
        shown_by = stack.studio.projects.labelling(project.id).data
        for chunk in _chunks(todo.new, size):
            self._go_on(progress, len(chunk))
            shown = [image for image in chunk if image not in todo.blind]
            predictions = say(shown) if shown else {}
            said = {image: predictions[image] for image in shown}
            made = [(_data(stack, shown_by, image), said.get(image)) for image in chunk]
            with self._intent.under_way(self._about(chunk, len(shown))):
                self._create(lease, chunk, made, said)
        for chunk in _chunks(todo.bare, self._predictions_at_once()):
            self._go_on(progress, len(chunk))
            predictions = say(chunk)
            sent = [(todo.tasks[image.key].id, predictions[image]) for image in chunk]
            with self._intent.under_way(self._about(chunk, len(chunk))):
                with lease.guard():
                    stack.studio.predictions.create(project.id, sent, version)
                noted = {version: [task for task, _ in sent]}
                stack.task_index.note(project.identity, predicted=noted)
        progress.end()

    def _go_on(self, progress: Progress, count: int) -> None:
        """Before each request: end early where the command does, else show how far it is."""
        if self._stack.stop.is_set():
            raise Stopped
        progress.advance(count)

    def _create(
        self,
        lease: Lease,
        chunk: Sequence[Image],
        made: Sequence[tuple[dict[str, str], Prediction | None]],
        said: Mapping[Image, Prediction],
    ) -> None:
        """Create the tasks of some images, with their predictions, and note them."""
        assert self._project
        stack, project, version = self._stack, self._project, self._version
        with lease.guard():
            ids, predicted = stack.studio.tasks.create(project.id, made, version)
        if len(ids) != len(chunk):
            self._holds = None
            return
        pairs = list(zip(ids, chunk, strict=True))
        having = {version: [number for number, image in pairs if image in said]}
        tasks = [_task(number, image) for number, image in pairs]
        stack.task_index.note(project.identity, tasks, having if predicted else None)
        if not predicted:
            sent = [(number, said[image]) for number, image in pairs if image in said]
            with lease.guard():
                stack.studio.predictions.create(project.id, sent, version)
            stack.task_index.note(project.identity, predicted=having)

    def _about(self, images: Sequence[Image], predictions: int) -> Sending:
        return Sending(self._version, tuple(image.key for image in images), predictions)

    def _predictions_at_once(self) -> int:
        """How many predictions one request adds to tasks that are there.

        Without the flag that our own server gets, the server counts all tasks of the project
        anew for each request, so there should be fewer of them.
        """
        assert self._project
        size = self._stack.config.label_studio.import_size
        return size if self._stack.daemon else max(size, min(PART, self._project.tasks // 10))

    def _renew(self, lease: Lease, todo: Plan) -> None:
        """Take note in Label Studio that other pictures lie under the keys of tasks.

        What people said of the earlier picture stays with it: their task is marked, and the
        picture that is there now gets another one. A task that nobody touched becomes that of the
        new one.
        """
        assert self._project
        stack, studio = self._stack, self._stack.studio
        # Up to the next full second, as the server's clock is read without fractions.
        moment = (studio.now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        noted, forgotten = [], []
        # No counter changes with it, so whoever finds the announcement lists all tasks.
        with self._intent.under_way(self._about((), 0)):
            for task, sha256 in todo.behind.items():
                with lease.guard():
                    studio.tasks.note_replaced(task.id, sha256, moment)
                noted.append(replace(task, shows=sha256))
            for image, task in todo.changed.items():
                with lease.guard():
                    if studio.tasks.delete_predictions(task.id):
                        studio.tasks.update_data(task.id, sha256=image.sha256)
                        noted.append(replace(task, sha256=image.sha256, shows=image.sha256))
                        forgotten.append(task.id)
                    else:
                        studio.tasks.note_replaced(task.id, image.sha256, moment)
                        noted.append(replace(task, replaced=True, shows=image.sha256))
            stack.task_index.note(self._project.identity, noted, forgotten=forgotten)

    def _await_interrupted(self) -> bool:
        """Wait for the end of a request whose answer nobody received, and list all tasks.

        Returns:
            Whether there was one.
        """
        assert self._project
        stack, project = self._stack, self._project
        sending = self._intent.announced()
        if sending is None:
            return False

        def counted() -> object:
            return stack.studio.tasks.newest(project.id), stack.studio.predictions.count_by_version(
                project.id
            )

        def is_all_there() -> bool:
            list_tasks(stack, project, stack.task_index)
            ids = [task.id for task in stack.task_index.tasks(sending.keys)]
            predicted, _ = stack.task_index.predicted(ids, sending.version)
            return len(ids) >= len(sending.keys) and len(predicted) >= sending.predictions

        return self._intent.await_end(counted, is_all_there)


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
    promoted = stack.registry.current()
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
