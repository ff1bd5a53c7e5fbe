"""What is on the page: plain records. The files beside draw them."""

from dataclasses import dataclass, field

from annolooop.domain.versions import UNKNOWN, Estimate, Evaluation


@dataclass(frozen=True)
class Verdict:
    """How good the model is, as against the accuracy that is wanted.

    Attributes:
        state: ``reached``, ``probably``, ``close``, ``not yet``, ``early`` or ``no target``.
        title, text: the same in words.
        target: accuracy that is wanted.
        accuracy: the figure to go by, of ``n`` images, measured ``by`` holdout or cross-validation.
    """

    state: str
    title: str
    text: str
    target: float | None = None
    accuracy: Estimate = UNKNOWN
    n: int = 0
    by: str = ""


EARLY = Verdict("early", "Too early to tell", "The model has not been measured yet.")


@dataclass(frozen=True)
class Need:
    """What is still to be labelled, and how long that takes.

    Attributes:
        until: ``target``, ``to be sure`` that it is reached, or ``to tell`` how good the model is.
        labels: more of them; ``labels_low`` and ``labels_high`` with 95 % certainty. ``None``: more
            than ``beyond``, or how many cannot be foreseen.
        hours: that they take; ``None`` where the time of answers is not known either.
        beyond: labels up to which the learning curve is followed.
    """

    until: str
    labels: int | None
    labels_low: int | None
    labels_high: int | None
    hours: float | None = None
    hours_low: float | None = None
    hours_high: float | None = None
    beyond: int | None = None
    hours_beyond: float | None = None


@dataclass(frozen=True)
class Effort:
    """People's work.

    Attributes:
        labels: images that have a label, of ``images``.
        answers: of people; more than labels where several people answer about an image.
        timed: answers and skips whose time is known; ``hours`` is that of all of them.
        seconds_each: mean of it.
        last_answer: when it was given, ISO 8601.
        waiting: images of the last round that nobody has answered about.
        need: what is still to be done; ``None`` where nothing is, or nothing can be foreseen.
    """

    labels: int = 0
    images: int = 0
    answers: int = 0
    timed: int = 0
    hours: float = 0.0
    seconds_each: float | None = None
    last_answer: str = ""
    waiting: int = 0
    need: Need | None = None


@dataclass(frozen=True)
class Since:
    """What changed since the last report, in sentences; no time where this is the first."""

    created_at: str = ""
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PoolRow:
    """One label in all images: given by people, and predicted of the images without a label."""

    label: str
    labelled: int
    predicted: int


@dataclass(frozen=True)
class Pool:
    """All images by label.

    Attributes:
        rows: by label; of multiple choice, an image counts for each of its labels.
        images: in all.
        unpredicted: without a label and without a prediction of the current version.
    """

    rows: tuple[PoolRow, ...] = ()
    images: int = 0
    unpredicted: int = 0


@dataclass(frozen=True)
class Missing:
    """Why a section has nothing to show, and what changes it: in words, and the command."""

    why: str
    how: str = ""
    command: str = ""

    def __str__(self) -> str:
        how = self.how[:1].upper() + self.how[1:]
        return f"{self.why} {f'{how}: {self.command}' if self.command else how}".strip()


@dataclass(frozen=True)
class VersionPoint:
    """One trained model version: the labels that it learned from, and how good it was."""

    number: int
    name: str
    created_at: str
    labels: int
    holdout: int
    accuracy: Estimate
    current: bool = False
    refused: bool = False


@dataclass(frozen=True)
class RoundRow:
    """One round: what was asked, and how much of it is answered."""

    number: int
    created_at: str
    version: str
    strategy: str
    asked: int
    answered: int
    holdout: int


@dataclass(frozen=True)
class CurvePlace:
    """Accuracy that a number of labels gives."""

    labels: int
    accuracy: Estimate


@dataclass(frozen=True)
class CalibrationBin:
    """Predictions of about the same confidence: how many, their mean, and the share correct."""

    n: int
    confidence: float
    correct: Estimate


@dataclass(frozen=True)
class Reliability:
    """Whether confidence is right: bins after calibration, and before it.

    ``before`` and ``after`` are calibration errors out of fold; ``holdout`` that on the holdout.
    """

    bins: tuple[CalibrationBin, ...]
    raw: tuple[CalibrationBin, ...]
    before: float | None = None
    after: float | None = None
    holdout: Estimate = UNKNOWN
    temperature: float | None = None


@dataclass(frozen=True)
class Point:
    """One image on the map.

    Attributes:
        x, y: where it is.
        key: the image's.
        label: by people; empty if they gave none.
        predicted: by the model.
        uncertainty: 1 minus the probability of what is predicted.
        url: of its task.
        thumb: WebP, base64; empty if the image is gone.
    """

    x: float
    y: float
    key: str
    label: str
    predicted: str
    uncertainty: float
    url: str = ""
    thumb: str = ""


@dataclass(frozen=True)
class Map:
    """Images in two dimensions; ``method`` made them, of ``total`` that have embeddings."""

    points: tuple[Point, ...]
    total: int
    method: str


@dataclass(frozen=True)
class Picture:
    """A thumbnail and its labels; no ``confidence`` where no model was asked."""

    key: str
    label: str
    suggested: str
    confidence: float | None
    url: str = ""
    thumb: str = ""


@dataclass(frozen=True)
class AnnotatorRow:
    """One person.

    Attributes:
        name: e-mail address, or another name.
        labels: answers.
        seconds: median of their time.
        last: day of the last one.
        alpha: Krippendorff's with others, on ``shared`` images.
        corrected: answers that a review changed; ``reviewed`` of theirs were looked at.
    """

    name: str
    labels: int
    seconds: float | None = None
    alpha: Estimate = UNKNOWN
    shared: int = 0
    last: str = ""
    reviewed: int = 0
    corrected: int = 0


@dataclass(frozen=True)
class AcceptanceRow:
    """How often people answer as the model predicts, for one version and one way of asking."""

    version: str
    how: str
    n: int
    same: Estimate


@dataclass(frozen=True)
class Content:
    """All of the page. Empty parts have an entry in ``missing`` by the name of their section."""

    dataset: str
    created_at: str
    based_on: str
    version: str
    labels: tuple[str, ...]
    multiple: bool
    verdict: Verdict = EARLY
    effort: Effort = Effort()
    next: str = ""
    since: Since = Since()
    pool: Pool = Pool()
    command: str = ""
    versions: tuple[VersionPoint, ...] = ()
    curve: tuple[CurvePlace, ...] = ()
    forecast: CurvePlace | None = None
    outlook: str = ""
    rounds: tuple[RoundRow, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    reliability: Reliability | None = None
    map: Map | None = None
    errors: tuple[Picture, ...] = ()
    suspects: tuple[Picture, ...] = ()
    annotators: tuple[AnnotatorRow, ...] = ()
    alpha: Estimate = UNKNOWN
    shared: int = 0
    acceptance: tuple[AcceptanceRow, ...] = ()
    reviews: dict[str, int] = field(default_factory=dict)
    missing: dict[str, Missing] = field(default_factory=dict)
