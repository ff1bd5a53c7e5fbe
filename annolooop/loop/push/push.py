"""Send tasks and predictions to Label Studio: each once, whatever interrupts it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.progress import Progress, Track, untracked
from annolooop.domain.tasks import Image, Prediction, Task
from annolooop.errors import Stopped
from annolooop.labelstudio.api.connection import Rejected
from annolooop.loop.push.blind import BlindPredictions, is_blind
from annolooop.loop.push.doubles import Doubles, remove_doubled_predictions, remove_doubled_tasks
from annolooop.loop.push.plan import PushPlan, agrees, expected_index, find_missing, list_tasks
from annolooop.stack import Stack
from annolooop.storage.images import ImageCatalog
from annolooop.storage.intents import Intent
from annolooop.storage.lease import Lease
from annolooop.storage.tasks import TaskIndex

T = TypeVar("T")
Predict = Callable[[Sequence[Image]], Mapping[Image, Prediction]]

IMAGES_PER_PART = 5000  # that are planned and sent at a time


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
        project: the dataset's project; ``None`` where there is none yet, for :meth:`preview`.
        version: name of the model version.
        refresh: tasks that only have predictions of other versions should get one too.
        doubt: list all tasks first, even if the server's counters agree with the task index.
        hidden: people see none of the version's predictions: tasks are created without them.
    """

    def __init__(
        self,
        stack: Stack,
        project: ProjectCounts | None,
        version: str,
        refresh: bool,
        doubt: bool = False,
        hidden: bool = False,
    ) -> None:
        self._stack, self._project = stack, project
        self._version, self._refresh, self._doubt = version, refresh, doubt
        self._hidden = hidden
        name = stack.config.dataset.name
        self._intent: Intent[Sending] = Intent(stack.store, name, "pushing", Sending)
        self._blind = BlindPredictions(stack, version, refresh)
        self._right_at: int | None = None  # state of the lock for which the task index was right
        self._expected_index: TaskIndex | None = None
        self._sent = False
        self.doubles = Doubles()  # what was found twice

    def preview(self, images: Iterable[Image]) -> PushPlan:
        """What :meth:`send` would send of a part; nothing is written."""
        if self._project is None:
            return PushPlan(new=list(images))
        if self._expected_index is None:
            self._expected_index = expected_index(self._stack, self._project, self._doubt)
        todo = self._plan(images, self._expected_index)
        touched = {
            i for i, task in todo.changed.items() if self._stack.studio.tasks.is_touched(task.id)
        }
        new = [*todo.new, *(image for image in todo.changed if image in touched)]
        others = (image for image in todo.changed if image not in touched)
        unpredicted = [*todo.unpredicted, *(image for image in others if image not in todo.blind)]
        return replace(todo, new=new, unpredicted=unpredicted)

    def send(self, predictions: Mapping[Image, Prediction], track: Track = untracked) -> PushPlan:
        """Create the tasks of one part that are missing, and add predictions that are missing.

        Args:
            predictions: image -> prediction of the version.
            track: shows the progress.

        Returns:
            What was missing, and was sent.
        """
        return self.send_images(list(predictions), lambda images: predictions, track)

    def send_images(
        self, images: Sequence[Image], predict: Predict, track: Track = untracked
    ) -> PushPlan:
        """The same, where only images for which something is missing are predicted.

        Predictions of blind images are kept in the store, and not sent to Label Studio; not those
        of a version that is hidden, since nobody sees others to compare them with.
        """
        done = self._send_part(images, predict, track)
        if not self._hidden:
            self._blind.note(images, predict)
        return done

    def _send_part(self, images: Sequence[Image], predict: Predict, track: Track) -> PushPlan:
        stack = self._stack
        idle = stack.lock_idle()
        # What was true while nobody writes stays true until somebody writes.
        if idle is not None and self._is_right(idle):
            todo = self._plan(images, stack.task_index)
            if not todo and not self._intent.exists():
                return todo
        with stack.lock("push") as lease:
            listed = self._await_interrupted()
            if not self._doubt and (listed or self._right_at in (lease.number - 1, lease.number)):
                self._right_at = lease.number
            elif not self._is_right(lease.number):
                self._list(lease)
            todo = self._plan(images, stack.task_index)
            if todo.doubled:
                self._remove_doubles(lease, todo)
                todo = self._plan(images, stack.task_index)
            if todo.changed or todo.outdated:
                self._renew(lease, todo)
                todo = replace(self._plan(images, stack.task_index), changed=todo.changed)
            try:
                self._send(lease, todo, predict, track)
            except Rejected:
                if not todo.unpredicted:
                    raise
                self._list(lease)  # people deleted a task just now
                again = self._plan(images, stack.task_index)
                self._send(lease, again, predict, untracked)
                lost = set(again.new)
                kept = [image for image in todo.unpredicted if image not in lost]
                todo = replace(todo, new=[*todo.new, *again.new], unpredicted=kept)
        self._sent = True
        return todo

    def finish(self) -> None:
        """Make the server show the version, unless another one has become current meanwhile."""
        assert self._project
        self._blind.write()
        shown = self._project.model_version == self._version
        # Another command may have sent some, and was interrupted before it came to this.
        if not self._sent and (shown or not self._has_predictions()):
            return
        with self._stack.lock("push") as lease, lease.guard():
            _show(self._stack, self._project.id, self._version)

    def _remove_doubles(self, lease: Lease, todo: PushPlan) -> None:
        assert self._project
        with self._intent.under_way(self._about((), 0)):
            found = remove_doubled_tasks(self._stack, lease, self._project, todo.doubled)
        self.doubles.add(found)

    def _has_predictions(self) -> bool:
        assert self._project
        counted = self._stack.studio.predictions.count_by_version(self._project.id)
        return self._version in counted

    def _is_right(self, state: int) -> bool:
        """Whether the task index is right while the lock is in this state."""
        assert self._project
        if self._doubt:
            return False
        if self._right_at != state and agrees(self._stack, self._project):
            self._right_at = state
        return self._right_at == state

    def _list(self, lease: Lease) -> None:
        assert self._project
        list_tasks(self._stack, self._project, self._stack.task_index, self._doubt)
        self._doubt = False
        self._right_at = lease.number
        if self._stack.task_index.extra(self._version) > 0:
            found = remove_doubled_predictions(self._stack, lease, self._project, self._version)
            self.doubles.add(found)

    def _plan(self, images: Iterable[Image], task_index: TaskIndex) -> PushPlan:
        share, hidden = self._blind.share, self._hidden
        return find_missing(
            task_index,
            images,
            self._version,
            self._refresh,
            lambda sha256: hidden or is_blind(sha256, share),
        )

    def _send(self, lease: Lease, todo: PushPlan, predict: Predict, track: Track) -> None:
        assert self._project
        stack, project, version = self._stack, self._project, self._version
        size = stack.config.label_studio.import_size
        progress = Progress(track, "push", len(todo.new) + len(todo.unpredicted))
        shown_by = stack.studio.projects.labelling(project.id).data
        for chunk in _chunks(todo.new, size):
            self._go_on(progress, len(chunk))
            shown = [image for image in chunk if image not in todo.blind]
            predictions = predict(shown) if shown else {}
            visible = {image: predictions[image] for image in shown}
            addresses = addresses_of(stack, stack.catalog, chunk)
            data = [
                (_data(shown_by, addresses[image.key], image), visible.get(image))
                for image in chunk
            ]
            with self._intent.under_way(self._about(chunk, len(shown))):
                self._create(lease, chunk, data, visible)
        for chunk in _chunks(todo.unpredicted, self._predictions_at_once()):
            self._go_on(progress, len(chunk))
            predictions = predict(chunk)
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
        data: Sequence[tuple[dict[str, str], Prediction | None]],
        predictions: Mapping[Image, Prediction],
    ) -> None:
        """Create the tasks of some images, with their predictions, and note them."""
        assert self._project
        stack, project, version = self._stack, self._project, self._version
        with lease.guard():
            ids, predicted = stack.studio.tasks.create(project.id, data, version)
        if len(ids) != len(chunk):
            self._right_at = None
            return
        pairs = list(zip(ids, chunk, strict=True))
        predicted_tasks = {version: [number for number, image in pairs if image in predictions]}
        tasks = [_task(number, image) for number, image in pairs]
        stack.task_index.note(project.identity, tasks, predicted_tasks if predicted else None)
        if not predicted:
            sent = [(n, predictions[image]) for n, image in pairs if image in predictions]
            with lease.guard():
                stack.studio.predictions.create(project.id, sent, version)
            stack.task_index.note(project.identity, predicted=predicted_tasks)

    def _about(self, images: Sequence[Image], predictions: int) -> Sending:
        return Sending(self._version, tuple(image.key for image in images), predictions)

    def _predictions_at_once(self) -> int:
        """How many predictions one request adds to tasks that are there.

        Without the flag that our own server gets, the server counts all tasks of the project
        again for each request, so there should be fewer of them.
        """
        assert self._project
        size = self._stack.config.label_studio.import_size
        return (
            size
            if self._stack.daemon
            else max(size, min(IMAGES_PER_PART, self._project.tasks // 10))
        )

    def _renew(self, lease: Lease, todo: PushPlan) -> None:
        """Write into tasks that other pictures lie under their keys now.

        Answers about the earlier picture stay with it: their task is marked, and the picture that
        is there now gets another task. A task that nobody touched becomes that of the new picture.
        """
        assert self._project
        stack, studio = self._stack, self._stack.studio
        # The next full second: the server's clock is read without fractions.
        moment = (studio.now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        noted, forgotten = [], []
        shown_by = studio.projects.labelling(self._project.id).data
        addresses = addresses_of(stack, stack.catalog, list(todo.changed))
        # No counter changes with it, so whoever finds the announcement lists all tasks.
        with self._intent.under_way(self._about((), 0)):
            for task, sha256 in todo.outdated.items():
                with lease.guard():
                    studio.tasks.note_replaced(task.id, sha256, moment)
                noted.append(replace(task, shows=sha256))
            for image, task in todo.changed.items():
                with lease.guard():
                    if studio.tasks.delete_predictions(task.id):
                        data = _data(shown_by, addresses[image.key], image)
                        studio.tasks.update_data(task.id, **data)
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
        if not self._intent.exists():
            return False
        sending = self._intent.read()

        def counted() -> object:
            return stack.studio.tasks.newest(project.id), stack.studio.predictions.count_by_version(
                project.id
            )

        def is_all_there() -> bool:
            list_tasks(stack, project, stack.task_index)
            if sending is None:  # it is damaged: nobody knows what was to be sent
                return False
            ids = [task.id for task in stack.task_index.tasks(sending.keys)]
            predicted, _ = stack.task_index.predicted(ids, sending.version)
            return len(ids) >= len(sending.keys) and len(predicted) >= sending.predictions

        return self._intent.await_end(counted, is_all_there)


def _show(stack: Stack, project: int, version: str) -> None:
    """Make the server show a version, unless another one is current, or is shown already."""
    current = stack.registry.current()
    now = stack.studio.projects.get(project)
    if not (current and now and current.name == version != now.model_version):
        return
    # The server refuses a version without predictions: all images may be blind.
    if version in stack.studio.predictions.count_by_version(project):
        stack.studio.projects.show_version(project, version)


def _task(number: int, image: Image) -> Task:
    return Task(number, image.key, image.sha256, shows=image.sha256)


def _data(shown_by: str, address: str, image: Image) -> dict[str, str]:
    return {shown_by: address, "key": image.key, "sha256": image.sha256}


def addresses_of(stack: Stack, catalog: ImageCatalog, images: Sequence[Image]) -> dict[str, str]:
    """Key of each image of a dataset -> where Label Studio finds what people see of it."""
    shown = catalog.shown(images)
    return {key: stack.image_source.url(seen) for key, seen in shown.items()}


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
