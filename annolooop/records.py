"""The nouns of the loop: frozen records, standard library only."""

import hashlib
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
    """What a model version says of one image.

    Attributes:
        labels: the predicted labels: one for single choice, any number for multiple.
        score: how sure it is, 0 to 1: the probability of the label; for multiple choice, that of
            what it says of the label it is least sure of.
    """

    labels: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Task:
    """One task of a Label Studio project.

    Attributes:
        id: Label Studio's number of it.
        key: the image's key in the store, empty while the image is not there.
        sha256: content hash of the image that it was made for, empty likewise.
        replaced: people annotated it, and another picture has lain under its key since.
        shows: content hash of the picture that was last known to lie under its key.
        vanished: it is marked, since there is no picture under its key.
    """

    id: int
    key: str
    sha256: str
    replaced: bool = False
    shows: str = ""
    vanished: bool = False


@dataclass(frozen=True)
class Annotation:
    """What one person said of one task.

    Attributes:
        id: Label Studio's number of it.
        task: task id.
        key: the image's key in the store, empty for a task whose image is not there.
        sha256: content hash of the image, empty likewise.
        labels: the chosen labels, sorted; empty when the task was skipped or nothing was chosen.
        skipped: the person skipped the task.
        ground_truth: someone marked it as the right answer.
        annotator: Label Studio's user id.
        updated_at: when it was last changed, ISO 8601.
        shown_version: the model version whose prediction the person saw, if any.
        shown: the labels it predicted, sorted.
        outdated: another picture lies under the key now. It still counts for the old one.
        accepted: nobody looked: it is what this model version predicted, accepted as it was.
            Empty for what people said, and when they have changed it since.
    """

    id: int
    task: int
    key: str
    sha256: str
    labels: tuple[str, ...]
    skipped: bool
    ground_truth: bool
    annotator: int | None
    updated_at: str
    shown_version: str | None = None
    shown: tuple[str, ...] = ()
    outdated: bool = False
    accepted: str = ""


@dataclass(frozen=True)
class Example:
    """One image with its labels, on one side of the split (``train`` or ``holdout``).

    Single choice gives it exactly one label; multiple choice any number, also none. ``accepted``
    is the model version whose prediction it is, and empty for what people said.
    """

    key: str
    sha256: str
    labels: tuple[str, ...]
    split: str
    accepted: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The annotations of a dataset at one moment. Number 0 stands for "none yet".

    Attributes:
        number: its place in the dataset's history, from 1.
        created_at: when it was written, ISO 8601.
        project: which project they are from: a server may be replaced by a fresh one.
        watermark: the server's newest change that it contains, ISO 8601.
        annotations: all that there are, skips too, by task id and number.
        recent: task id -> when it was last changed, of those that changed shortly before that.
    """

    number: int = 0
    created_at: str = ""
    project: str = ""
    watermark: str = ""
    annotations: tuple[Annotation, ...] = ()
    recent: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BackboneInfo:
    """The part of a classifier before its head: where it came from and what it computes.

    Attributes:
        name: torchvision's name of the network.
        weights: how its pretrained weights were called.
        fingerprint: hash of its weights; what it is kept under.
        transform: what its input goes through.
        dim: length of an embedding.
        base: fingerprint of the pretrained backbone that it was fine-tuned from, if it was.
        tuned: what was fine-tuned, ``layer4`` or ``all``.
    """

    name: str
    weights: str
    fingerprint: str
    transform: str
    dim: int
    base: str = ""
    tuned: str = ""


@dataclass(frozen=True)
class Finetuning:
    """How a backbone was fine-tuned, or that it was not.

    Attributes:
        mode: ``layer4`` or ``all``.
        examples: images outside of the holdout.
        validation: of these, images that only told when to stop.
        epochs: that were learnt; 0 when there are too few examples.
        best_epoch: the one that is kept; 0 is the head on the pretrained backbone.
        loss_before, loss_after: on the validation images, of epoch 0 and of the best one.
        stopped_early: it ended before the last epoch, since nothing got better.
        resumed_from: epoch after which an interrupted run went on; 0 for none.
    """

    mode: str
    examples: int
    validation: int
    epochs: int = 0
    best_epoch: int = 0
    loss_before: float | None = None
    loss_after: float | None = None
    stopped_early: bool = False
    resumed_from: int = 0


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
        choice: ``single`` label or ``multiple``.
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
    choice: str = "single"


def fingerprint_of(backbone: str, weights: bytes) -> str:
    """What identifies a backbone: a hash of its name and its safetensors file."""
    return hashlib.sha256(f"{backbone}\n".encode() + weights).hexdigest()[:16]


def version_name(number: int, head: str) -> str:
    """The name of a model version.

    Args:
        number: from 1 upward.
        head: key of its weights, which ends in their hash: the part of it that is in the name
            keeps ``v1`` from being a part of ``v10``'s name.
    """
    return f"v{number}-{head.rpartition('/')[2][:6]}"


@dataclass(frozen=True)
class Promotion:
    """One time that a version was put in force: which, when, by whom."""

    number: int
    name: str
    at: str
    by: str


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

    @property
    def identity(self) -> str:
        """Ids start from 1 again on a fresh server; the time of creation does not."""
        return f"{self.id} {self.created_at}"


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
class Estimate:
    """A figure with its 95 % interval; ``None`` where there is too little to tell."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ClassFigures:
    """One label on the holdout.

    Attributes:
        n: images that have it.
        predicted: images of which it is predicted.
        precision: share of the predicted that have it.
        recall: share of those that have it of which it is predicted.
    """

    n: int
    predicted: int
    precision: Estimate
    recall: Estimate


@dataclass(frozen=True)
class Evaluation:
    """How good a model version is on images of the holdout.

    Attributes:
        n: images.
        accuracy: share of images whose labels are all right.
        balanced_accuracy: mean of the recalls of the labels that images have; of multiple choice,
            of having a label and of lacking it.
        log_loss: mean over the images, in nats.
        ece: expected calibration error of the probability of what is predicted.
        classes: by label.
        confusion: images by label (rows) and predicted label (columns), both in the order of the
            version's labels; empty for multiple choice.
    """

    n: int
    accuracy: Estimate = Estimate()
    balanced_accuracy: Estimate = Estimate()
    log_loss: Estimate = Estimate()
    ece: Estimate = Estimate()
    classes: dict[str, ClassFigures] = field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class GateVerdict:
    """Whether a new version may take the place of the one in force: ``metrics["gate"]``.

    Attributes:
        verdict: ``promoted`` or ``refused``.
        test: ``mcnemar`` on the holdout, ``cross-validation`` on the other images, or ``none``.
        p_value: of the exact McNemar test, one-sided: low when the new version is worse.
        only_old, only_new: images that one of the two alone gets right.
        n: images that were compared.
        against: name of the version in force.
        why: the same in words.
    """

    verdict: str
    test: str
    p_value: float | None = None
    only_old: int = 0
    only_new: int = 0
    n: int = 0
    against: str = ""
    why: str = ""


def evaluation_of(version: ModelVersion) -> Evaluation | None:
    """How good a version was on the holdout when it was made; ``None`` of older versions."""
    told = version.metrics.get("evaluation")
    if told is None:
        return None
    classes = {
        label: ClassFigures(
            row["n"],
            row["predicted"],
            Estimate(**row["precision"]),
            Estimate(**row["recall"]),
        )
        for label, row in told["classes"].items()
    }
    figures = ("accuracy", "balanced_accuracy", "log_loss", "ece")
    return Evaluation(
        n=told["n"],
        **{name: Estimate(**told[name]) for name in figures},
        classes=classes,
        confusion=tuple(tuple(row) for row in told["confusion"]),
    )


@dataclass(frozen=True)
class Round:
    """What one query asked for.

    Attributes:
        number: its place in the dataset's history, from 1.
        created_at: ISO 8601.
        project: identity of the Label Studio project whose tasks they are.
        version: the model version that was asked.
        strategy: what chose: of ``auto``, what it took.
        why: in words.
        query: ids of the tasks, in the order in which they are asked.
        holdout: of these, that no strategy chose.
        twice: ids of those that two people are asked.
    """

    number: int
    created_at: str
    project: str
    version: str
    strategy: str
    why: str
    query: tuple[int, ...]
    holdout: tuple[int, ...] = ()
    twice: tuple[int, ...] = ()


@dataclass(frozen=True)
class PairAgreement:
    """Two people who answered the same images.

    Attributes:
        first, second: their e-mail addresses, or ``user 7``.
        images: that both answered.
        same: of these, answered the same, label for label.
        kappa: Cohen's.
    """

    first: str
    second: str
    images: int
    same: int
    kappa: Estimate


@dataclass(frozen=True)
class PersonAgreement:
    """One person against the others.

    Attributes:
        images: that they answered.
        shared: of these, answered by others too.
        alpha: Krippendorff's, where one answer of each pair is theirs.
    """

    images: int
    shared: int
    alpha: Estimate


@dataclass(frozen=True)
class Agreement:
    """How far people agree about images that several of them answered.

    Attributes:
        images: that at least two people answered.
        same: of these, all the same, label for label.
        alpha: Krippendorff's, nominal.
        labels: the same of each label against all others.
        people: by e-mail address, or ``user 7``; those who share an image with others.
        pairs: of people who share images, most images first.
    """

    images: int
    same: int
    alpha: Estimate
    labels: dict[str, Estimate] = field(default_factory=dict)
    people: dict[str, PersonAgreement] = field(default_factory=dict)
    pairs: tuple[PairAgreement, ...] = ()


UNKNOWN = Estimate()


@dataclass(frozen=True)
class CurvePoint:
    """Accuracy with some of the labels.

    Attributes:
        labels: that were learnt from.
        share: of the labels that there are.
        accuracy: with its band.
    """

    labels: int
    share: float
    accuracy: Estimate


@dataclass(frozen=True)
class Suspect:
    """A labelled image whose label may be wrong.

    Attributes:
        task: id of a Label Studio task that shows it.
        key: of the image in the store.
        sha256: its content hash.
        labels: that it has; none for one that people disagree about.
        suggested: that it seems to have.
        confidence: probability of what was given; 0 to 1, the lower the more in doubt.
        reason: ``looks different`` or what people disagree about.
        url: where to look at it, empty without Label Studio.
    """

    task: int
    key: str
    sha256: str
    labels: tuple[str, ...]
    suggested: tuple[str, ...]
    confidence: float
    reason: str
    url: str


@dataclass(frozen=True)
class Overlap:
    """Two labels whose images look alike: how many of one look like the other."""

    first: str
    second: str
    images: int
