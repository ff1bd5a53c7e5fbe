"""Images that people see without a prediction, which shows whether predictions influence people.

The hash of the content decides, by the same draw as the split: images of the holdout come first,
and that stays so. The predictions for them are kept in the store.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice

from annolooop.domain.annotations import Annotation, ProjectCounts
from annolooop.domain.answers import is_answer
from annolooop.domain.split import split_of
from annolooop.domain.tasks import Image, Prediction
from annolooop.domain.versions import ModelVersion
from annolooop.loop.push.plan import agrees, list_tasks
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.records import Document
from annolooop.storage.series import Series


@dataclass(frozen=True)
class BlindReport:
    """Images that people see without a prediction.

    Attributes:
        share: of the images.
        images: of the batch, that are so.
        cleared: tasks whose predictions were deleted in this run, since the share grew.
        seen: tasks of such images that were annotated while they still showed one.
    """

    share: float
    images: int
    cleared: int = 0
    seen: int = 0


IMAGES_PER_PART = 5000  # images that are looked at a time
TASKS_AT_ONCE = 500  # tasks that lose their predictions in one turn

Predict = Callable[[Sequence[Image]], Mapping[Image, Prediction]]


def is_blind(sha256: str, share: float) -> bool:
    """Whether people see an image without a prediction."""
    return split_of(sha256, share) == "holdout"


def hides(stack: Stack, version: ModelVersion) -> bool:
    """Whether people see none of the predictions of a version, since it has learnt nothing."""
    return not (version.trained or stack.config.infer.show_untrained)


def blind_share(stack: Stack) -> float:
    """Share of the images without a prediction: what `infer --blind-share` set, or the stack file.

    Whichever was changed last counts.
    """
    note, configured = _note(stack).read(), stack.config.infer.blind_share
    return note.share if note and note.configured == configured else configured


def set_blind_share(stack: Stack, share: float) -> None:
    """Keep what the command line says, for the commands that follow."""
    if share != blind_share(stack):
        _write_note(stack, share, _done(stack))


@dataclass(frozen=True)
class Cleared:
    """What became of predictions that blind images had.

    Attributes:
        tasks: that lost them.
        seen: that were annotated before that.
    """

    tasks: int = 0
    seen: int = 0


def clear(stack: Stack, project: ProjectCounts) -> Cleared:
    """Delete the predictions of images that have become blind since this was last done.

    Tasks that someone has annotated keep theirs: it is what this person saw.

    Raises:
        UnreachableError: Label Studio or the store fails; the next run goes on.
    """
    share, done = blind_share(stack), _done(stack)
    if share == done:
        return Cleared()
    cleared, seen = 0, 0
    if share > done:
        with stack.lock("blind") as lease:
            if not agrees(stack, project):
                list_tasks(stack, project, stack.task_index)
            touched = set(stack.studio.annotations.changed_tasks(project.id))
            for tasks in _predicted(stack, share):
                seen += len(tasks & touched)
                free = sorted(tasks - touched)
                for start in range(0, len(free), TASKS_AT_ONCE):
                    some = free[start : start + TASKS_AT_ONCE]
                    with lease.guard():
                        stack.studio.predictions.delete(project.id, some)
                    stack.task_index.note(project.identity, forgotten=some)
                    cleared += len(some)
    _write_note(stack, share, share)
    return Cleared(cleared, seen)


def _predicted(stack: Stack, share: float) -> Iterable[set[int]]:
    """Tasks of blind images that have a prediction, some at a time."""
    blind = (image for image in stack.catalog.images() if is_blind(image.sha256, share))
    while keys := [image.key for image in islice(blind, IMAGES_PER_PART)]:
        tasks = [task.id for task in stack.task_index.tasks(keys)]
        yield set().union(*stack.task_index.predicted(tasks, ""))


class BlindPredictions:
    """Predictions of a model version for blind images, kept in the store.

    Args:
        stack: the annotation loop.
        version: name of the model version.
        refresh: also keep those for images for which another version has predicted.
    """

    def __init__(self, stack: Stack, version: str, refresh: bool) -> None:
        self.share = blind_share(stack)
        self._stack, self._version, self._refresh = stack, version, refresh
        self._known: set[str] | None = None
        self._new: dict[str, list[str]] = {}

    def note(self, images: Sequence[Image], predict: Predict) -> None:
        """Keep the predictions that are missing for those images that are blind."""
        blind = [i for i in images if is_blind(i.sha256, self.share)] if self.share else []
        if not blind:
            return
        if self._known is None:
            records = blind_series(self._stack, self._stack.config.dataset.name).each()
            self._known = {
                sha256
                for record in records
                if not self._refresh or record.version == self._version
                for sha256 in record.said
            }
        missing = [i for i in blind if i.sha256 not in self._known]
        if missing:
            predictions = predict(missing)
            self._new |= {i.sha256: list(predictions[i].labels) for i in missing}
            self._known |= self._new.keys()

    def write(self) -> None:
        """Store what was kept since."""
        if self._new:
            record(self._stack, self._version, self._new)
            self._new = {}


@dataclass(frozen=True)
class BlindRecord:
    """Predictions of a version for blind images: ``said`` is content hash -> labels, sorted."""

    version: str
    created_at: str
    said: dict[str, tuple[str, ...]]


def record(stack: Stack, version: str, predicted: Mapping[str, Sequence[str]]) -> None:
    """Store predictions of a version for blind images: content hash -> labels."""
    now = datetime.now(timezone.utc).isoformat()
    kept = {sha256: tuple(sorted(labels)) for sha256, labels in predicted.items()}
    blind_series(stack, stack.config.dataset.name).append(BlindRecord(version, now, kept))


def blind_series(stack: Stack, name: str) -> Series[BlindRecord]:
    """What was kept for a dataset."""
    return Series(stack.store, f"{DATASETS}/{name}/blind", BlindRecord)


def blind_outcomes(
    stack: Stack, name: str, annotations: Iterable[Annotation], choice: str
) -> tuple[int, int]:
    """How often people agreed with a prediction that they did not see.

    Each annotation is compared with the last prediction before it. Skips are no answers, nor is an
    empty annotation with single choice.

    Returns:
        How many annotations agree, and how many differ.
    """
    series = list(blind_series(stack, name).each())
    same = different = 0
    if not series:
        return same, different
    predicted: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for kept in sorted(series, key=lambda kept: kept.created_at):
        for sha256, labels in kept.said.items():
            predicted[sha256].append((kept.created_at, labels))
    for a in annotations:
        if a.shown_version or not is_answer(a, choice):
            continue
        when = a.updated_at.replace("Z", "+00:00")
        earlier = [labels for at, labels in predicted.get(a.sha256, ()) if at < when]
        if earlier:
            same += a.labels == earlier[-1]
            different += a.labels != earlier[-1]
    return same, different


@dataclass(frozen=True)
class _Share:
    """The share that was set, that of the stack file then, and the share that is done."""

    share: float
    configured: float
    done: float


def _note(stack: Stack) -> Document[_Share]:
    return Document(stack.store, f"{DATASETS}/{stack.config.dataset.name}/blind.json", _Share)


def _done(stack: Stack) -> float:
    """The share for which predictions were deleted."""
    note = _note(stack).read()
    return note.done if note else 0.0


def _write_note(stack: Stack, share: float, done: float) -> None:
    _note(stack).write(_Share(share, stack.config.infer.blind_share, done))
