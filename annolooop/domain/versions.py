"""Model versions, their figures, and what the gate decided."""

import hashlib
from dataclasses import dataclass, field
from typing import Any


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
        validation: of these, images that only decided when to stop.
        epochs: that were trained; 0 when there are too few examples.
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
    """A registered checkpoint. Immutable: no number is used twice.

    Attributes:
        number: from 1 upward.
        name: ``v<number>-<first characters of the head's hash>``, as Label Studio shows it.
        trained: False for the fresh head of the first version.
        parent: name of the version that was promoted when this one was made.
        dataset_fingerprint: hash of the (image, label) pairs it was trained on.
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
    """One time that a version became current: which, when, by whom."""

    number: int
    name: str
    at: str
    by: str


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
            of having a label and of not having it.
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
class Holdout:
    """The accuracy of an evaluation, in the form of reports; ``None`` with too few images.

    ``low`` and ``high`` bound the accuracy at 95 % (Wilson).
    """

    n: int
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Holdout":
        """That of an evaluation."""
        figure = evaluation.accuracy
        return cls(evaluation.n, figure.value, figure.low, figure.high)


@dataclass(frozen=True)
class GateVerdict:
    """Whether a new version may take the place of the current one: ``metrics["gate"]``.

    Attributes:
        verdict: ``promoted`` or ``refused``.
        test: ``mcnemar`` on the holdout, ``cross-validation`` on the other images, or ``none``.
        p_value: of the exact McNemar test, one-sided: low when the new version is worse.
        only_old, only_new: images that one of the two alone gets right.
        n: images that were compared.
        against: name of the current version.
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
    stored = version.metrics.get("evaluation")
    if stored is None:
        return None
    classes = {
        label: ClassFigures(
            row["n"],
            row["predicted"],
            Estimate(**row["precision"]),
            Estimate(**row["recall"]),
        )
        for label, row in stored["classes"].items()
    }
    figures = ("accuracy", "balanced_accuracy", "log_loss", "ece")
    return Evaluation(
        n=stored["n"],
        **{name: Estimate(**stored[name]) for name in figures},
        classes=classes,
        confusion=tuple(tuple(row) for row in stored["confusion"]),
    )


UNKNOWN = Estimate()
