"""The nouns of the loop: frozen records, standard library only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Track(Protocol):
    """Passes items through while it shows how far a stage is."""

    def __call__(self, items: Iterable[T], stage: str, total: int | None = None) -> Iterator[T]: ...


def untracked(items: Iterable[T], stage: str, total: int | None = None) -> Iterator[T]:
    """A :class:`Track` that shows nothing."""
    return iter(items)


@dataclass(frozen=True)
class Image:
    """One image: its key in the artifact store and the hash of its content."""

    key: str
    sha256: str


@dataclass(frozen=True)
class Prediction:
    """What a model version says of one image. ``score`` is the probability of ``label``."""

    label: str
    score: float


@dataclass(frozen=True)
class Task:
    """One task of a Label Studio project. ``key`` is empty for a task that people uploaded."""

    id: int
    key: str
    sha256: str


@dataclass(frozen=True)
class Annotation:
    """The annotation in force of one task.

    Attributes:
        task: task id.
        key: the image's key in the store, empty for a task that people uploaded by hand.
        sha256: content hash of the image, empty likewise.
        label: the chosen label; ``None`` when the task was skipped or left empty.
        skipped: the person skipped the task.
        annotator: Label Studio's user id.
        updated_at: when it was last changed, ISO 8601.
        shown_version: the model version whose prediction the person saw, if any.
        shown_label: the label it predicted.
        given: how many annotations the task has that are no skips.
        skips: how often the task was skipped.
    """

    task: int
    key: str
    sha256: str
    label: str | None
    skipped: bool
    annotator: int | None
    updated_at: str
    shown_version: str | None = None
    shown_label: str | None = None
    given: int = 1
    skips: int = 0


@dataclass(frozen=True)
class Example:
    """One image with one label, on one side of the split (``train`` or ``holdout``)."""

    key: str
    sha256: str
    label: str
    split: str


@dataclass(frozen=True)
class Snapshot:
    """The annotations of a dataset at one moment. Number 0 stands for "none yet".

    Attributes:
        number: its place in the dataset's history, from 1.
        created_at: when it was written, ISO 8601.
        project: which project they are from: a server may be replaced by a fresh one.
        watermark: the server's newest change that it contains, ISO 8601.
        annotations: one for each task that a person has touched, by task id.
    """

    number: int = 0
    created_at: str = ""
    project: str = ""
    watermark: str = ""
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True)
class BackboneInfo:
    """The frozen part of a classifier: where it came from and what it computes."""

    name: str
    weights: str
    fingerprint: str
    transform: str
    dim: int


@dataclass(frozen=True)
class ModelVersion:
    """A registered checkpoint. Immutable: a number is never given twice.

    Attributes:
        number: from 1 upward.
        name: ``v<number>-<first characters of the head's hash>``, as Label Studio shows it.
        trained: False for the fresh head of the first version.
        parent: name of the version that was promoted when this one was made.
        dataset_fingerprint: hash of the (image, label) pairs it learnt from.
        snapshot: number of the dataset snapshot they are in; 0 for none.
        head: key of the head's weights in the store.
        metrics: figures on the holdout and from cross-validation.
        config: the settings that shaped it.
    """

    number: int
    name: str
    dataset: str
    labels: tuple[str, ...]
    trained: bool
    parent: str | None
    dataset_fingerprint: str
    snapshot: int
    backbone: BackboneInfo
    head: str
    created_at: str
    created_by: str
    metrics: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ProjectCounts:
    """Label Studio's own counters of one project.

    ``labeled`` counts tasks, without those whose only annotation is ground truth.
    ``annotations`` and ``skips`` count annotations that are no skips, and that are.
    """

    id: int
    created_at: str
    title: str
    tasks: int
    labeled: int
    annotations: int
    skips: int
    model_version: str


@dataclass(frozen=True)
class Holdout:
    """Accuracy on images the model never learnt from; ``None`` with too few of them.

    ``low`` and ``high`` bound the accuracy at 95 % (Wilson).
    """

    n: int
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Changes:
    """How the annotations of a dataset changed since its last snapshot."""

    created: int = 0
    updated: int = 0
    deleted: int = 0

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.deleted)


@dataclass(frozen=True)
class Setting:
    """One effective value of the stack, and where it came from; secrets masked."""

    key: str
    value: object
    origin: str


@dataclass(frozen=True)
class StackReport:
    """A valid stack file and its effective values."""

    file: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class StatusReport:
    """Whether Label Studio runs, where, and which one."""

    running: bool
    url: str
    pid: int | None
    version: str | None
    ours: bool
    data_dir: str | None = None
    log: str | None = None


@dataclass(frozen=True)
class UpReport:
    """Label Studio after `up`. ``started`` is False when it already ran."""

    url: str
    pid: int | None
    version: str
    started: bool
    username: str | None
    credentials: str | None
    seconds: float


@dataclass(frozen=True)
class DownReport:
    """``stopped`` is False when there was nothing of ours to stop."""

    stopped: bool
    pid: int | None


@dataclass(frozen=True)
class LogsReport:
    """The end of Label Studio's log."""

    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class InitReport:
    """Files that `init` wrote, and those it left as they were."""

    folder: str
    written: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class TrainReport:
    """What `train` did.

    Attributes:
        model_version: the promoted version after this command.
        trained: a head was fitted in this run.
        registered: a new version was written in this run.
        examples: labelled images at hand, holdout included.
        holdout: accuracy of ``model_version`` on the holdout.
        new_labels, changed_labels, removed_labels: against what ``model_version`` learnt from.
        unreadable: ``file`` and ``reason`` of labelled images that could not be learnt from.
    """

    dataset: str
    model_version: str
    promoted: bool
    registered: bool
    trained: bool
    examples: int
    holdout: Holdout
    new_labels: int
    changed_labels: int
    removed_labels: int
    unreadable: tuple[dict[str, str], ...]
    backbone: BackboneInfo
    labels: dict[str, int]
    cross_validation: dict[str, float]
    url: str
    seconds: dict[str, float]


@dataclass(frozen=True)
class InferReport:
    """What `infer` did.

    Attributes:
        images: readable images of the batch.
        uploaded: of these, put into the store in this run.
        embedded, cached: embeddings computed in this run, and found.
        unreadable: ``file`` and ``reason`` of each file that could not be read.
        stale: tasks of the batch that only have predictions of other versions.
        seconds: by stage.
    """

    dataset: str
    batch: str | None
    model_version: str
    images: int
    uploaded: int
    embedded: int
    cached: int
    unreadable: tuple[dict[str, str], ...]
    tasks_created: int
    predictions_pushed: int
    stale: int
    url: str
    seconds: dict[str, float]


@dataclass(frozen=True)
class SyncReport:
    """What `sync` pulled and pushed. ``snapshot`` is 0 while nothing is annotated."""

    dataset: str
    snapshot: int
    created: int
    updated: int
    deleted: int
    labeled: int
    skipped: int
    tasks_created: int
    predictions_pushed: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class VersionStats:
    """One model version in the project: predictions, and what people did with them."""

    predictions: int = 0
    accepted: int = 0
    overridden: int = 0


@dataclass(frozen=True)
class StatsReport:
    """The state of a dataset. ``total`` = ``labeled`` + ``unlabeled`` + ``skipped`` (tasks)."""

    dataset: str
    total: int
    labeled: int
    unlabeled: int
    skipped: int
    labels: dict[str, int]
    model_version: str
    model_versions: dict[str, VersionStats]
    url: str


@dataclass(frozen=True)
class DatasetRow:
    """One line of `dataset list`."""

    name: str
    tasks: int | None
    labeled: int | None
    model_version: str | None
    url: str | None


@dataclass(frozen=True)
class DatasetListReport:
    """Datasets of the store, and of Label Studio."""

    datasets: tuple[DatasetRow, ...]


@dataclass(frozen=True)
class LaunchReport:
    """Where people annotate."""

    dataset: str
    url: str
    opened: bool


@dataclass(frozen=True)
class DemoReport:
    """The whole loop, once. Accuracies are those of the pre-annotations that people see.

    ``password`` is that of the throw-away server; it is left out of JSON.
    """

    folder: str
    url: str
    username: str
    password: str = field(repr=False, metadata={"secret": True})
    backbone: BackboneInfo
    model_before: str
    model_after: str
    accuracy_before: float
    accuracy_after: float
    accepted: int
    overridden: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class CleanReport:
    """What `demo --clean` removed."""

    removed: tuple[str, ...]
