"""What each command answers: one frozen record, which `--json` prints as it is."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from annolooop.records import (
    Agreement,
    BackboneInfo,
    CurvePoint,
    Estimate,
    Evaluation,
    Finetuning,
    GateVerdict,
    Holdout,
    ModelVersion,
    Overlap,
    Promotion,
    Setting,
    Suspect,
)

FIRST = 5  # objects that are named before the rest is only counted
PENDING = 2  # exit code of a dry run that found work to do


def left_out(reasons: Iterable[tuple[str, str]]) -> tuple[dict[str, str], ...]:
    """What could not be used, and why: rows of ``file`` and ``reason``."""
    return tuple({"file": file, "reason": reason} for file, reason in reasons)


@dataclass(frozen=True)
class Objects:
    """Objects of the store: how many, and the keys of the first ones."""

    count: int = 0
    first: tuple[str, ...] = ()


def some(keys: Collection[str]) -> Objects:
    """How many there are, and the first ones."""
    return Objects(len(keys), tuple(islice(keys, FIRST)))


@dataclass(frozen=True)
class StackReport:
    """A valid stack file and its effective values.

    ``chosen_by`` is ``--stack``, ``$ANNOLOOP_STACK``, ``.annoloop-stack`` or ``its name``.
    """

    file: str
    chosen_by: str
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class StackRow:
    """One line of `stack list`. ``error`` says what is wrong with the file, if anything is."""

    name: str
    file: str
    active: bool
    dataset: str | None
    store: str | None
    error: str | None


@dataclass(frozen=True)
class StackListReport:
    """The stack files of a folder.

    Attributes:
        stacks: by name.
        chosen_by: what made one of them active, see :class:`StackReport`.
        problem: why none is, if none is.
    """

    stacks: tuple[StackRow, ...]
    chosen_by: str | None
    problem: str | None


@dataclass(frozen=True)
class StackUseReport:
    """What `stack use` chose. ``overruled_by`` goes before it, where it is set."""

    name: str
    file: str
    overruled_by: str | None


@dataclass(frozen=True)
class StackCopyReport:
    """What `stack copy` wrote. ``dataset`` is the one that both describe, where it is known."""

    name: str
    file: str
    source: str
    dataset: str | None


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
    """Label Studio after `up`. ``started`` is False when it already ran.

    ``refreshed`` counts the projects whose storage got the bucket's credentials anew.
    """

    url: str
    pid: int | None
    version: str
    started: bool
    username: str | None
    credentials: str | None
    refreshed: int | None
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
    store: str
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
        learnt: of these, what the head was fitted on in this run.
        holdout: accuracy of ``model_version`` on the holdout.
        new_labels, changed_labels, removed_labels: against what ``model_version`` learnt from.
        unreadable: ``file`` and ``reason`` of labelled images that could not be learnt from.
        finetune: how the backbone of ``model_version`` was fine-tuned, if that was asked for.
        evaluation: of ``model_version`` on the holdout; ``None`` of versions made before there was.
        calibration: its ``temperature`` and what that changes.
        gate: what the gate said of the new version, if there is one.
        refused: name of the version that the gate kept from being promoted.
        trackers: that were told of the new version -> empty, or why one does not have it.
        moved: labelled images that changed side in this run, to that of their near-duplicates.
    """

    dataset: str
    model_version: str
    promoted: bool
    registered: bool
    trained: bool
    examples: int
    learnt: int
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
    finetune: Finetuning | None = None
    evaluation: Evaluation | None = None
    calibration: dict[str, Any] | None = None
    gate: GateVerdict | None = None
    refused: str = ""
    trackers: dict[str, str] = field(default_factory=dict)
    moved: int = 0

    @property
    def exit_code(self) -> int:
        """6 when the gate refused the new version."""
        return 6 if self.refused else 0


@dataclass(frozen=True)
class CompareReport:
    """A head alone against a fine-tuned backbone, on the same holdout.

    Attributes:
        mode: what is fine-tuned: ``layer4`` or ``all``.
        examples: that both learnt from.
        head, tuned: accuracies of the two.
        only_head, only_tuned: images of the holdout that one of the two alone gets right.
        p_value: of the exact McNemar test; ``None`` with too small a holdout.
        verdict: what the figures allow to say.
        advice: the setting that follows from it.
    """

    dataset: str
    mode: str
    examples: int
    head: Holdout
    tuned: Holdout
    only_head: int
    only_tuned: int
    p_value: float | None
    verdict: str
    advice: str
    finetune: Finetuning
    unreadable: tuple[dict[str, str], ...]
    seconds: dict[str, float]


@dataclass(frozen=True)
class ModelRow:
    """One line of `model list`. ``accuracy`` is that on the holdout of ``holdout`` images.

    ``tuned`` is how the backbone was fine-tuned, empty where it was not. ``evaluation`` is without
    its classes and its confusion matrix. ``refused``: the gate kept it from being promoted, and
    nobody has promoted it since.
    """

    name: str
    promoted: bool
    trained: bool
    parent: str | None
    backbone: str
    tuned: str
    holdout: int
    accuracy: float | None
    created_at: str
    created_by: str
    evaluation: Evaluation | None = None
    calibration: dict[str, Any] | None = None
    refused: bool = False


@dataclass(frozen=True)
class ModelListReport:
    """The model versions of a dataset, by number."""

    dataset: str
    versions: tuple[ModelRow, ...]


@dataclass(frozen=True)
class ModelReport:
    """One model version, and the times it was put in force."""

    version: ModelVersion
    promoted: bool
    promotions: tuple[Promotion, ...]


@dataclass(frozen=True)
class PromoteReport:
    """What `model promote` and `model rollback` did; ``changed`` is False if it was in force."""

    dataset: str
    model_version: str
    before: str
    changed: bool


@dataclass(frozen=True)
class InferReport:
    """What `infer` did.

    Attributes:
        dry_run: nothing was done, and the counts are what would be.
        relabel: a check found that the project is to ask for more labels.
        collected: tasks that people uploaded, whose images became part of the dataset. What a dry
            run would do with them is not in the other counts.
        images: readable images of the batch.
        uploaded: of these, put into the store in this run.
        embedded, cached: embeddings computed in this run, and found.
        unreadable: ``file`` and ``reason`` of each file that could not be read.
        changed: images whose task was made for another picture; they are predicted anew, and what
            people said of the other picture stays with it.
        stale: tasks of the batch that only have predictions of other versions.
        out: the file that predictions were written to.
        vanished: images of the dataset that should be in the batch, and are not in the store.
        query: what people are asked next, if that was asked for.
        blind: the images that people see without a prediction, if there are to be any.
        seconds: of work by stage, where a stage that several work on at once counts once; and in
            total, which is less than the sum since stages overlap.
        bottleneck: the stage that works longest.
    """

    dataset: str
    batch: str | None
    model_version: str
    dry_run: bool
    collected: int
    images: int
    uploaded: int
    embedded: int
    cached: int
    unreadable: tuple[dict[str, str], ...]
    tasks_created: int
    predictions_pushed: int
    changed: int
    stale: int
    out: str | None
    url: str | None
    seconds: dict[str, float]
    bottleneck: str = ""
    vanished: Objects = Objects()
    query: "QueryReport | None" = None
    blind: "BlindReport | None" = None

    @property
    def exit_code(self) -> int:
        """2 when a dry run found work to do."""
        work = self.collected or self.uploaded or self.embedded
        work = work or self.predictions_pushed or self.changed
        return PENDING if self.dry_run and work else 0


@dataclass(frozen=True)
class SyncReport:
    """What `sync` pulled and pushed. ``snapshot`` is 0 while nothing is annotated.

    With ``check``, nothing was done, and the counts are what would be.

    Attributes:
        relabel: a check found that the project is to ask for more labels.
        collected: tasks that people uploaded, whose images became part of the dataset.
        unreadable: ``file`` and ``reason`` of uploaded images that could not be fetched.
        new: objects of the store, where the dataset has images, that `infer` has not seen yet.
        changed: images of the dataset whose object is another one since; they wait for `infer` too.
        vanished: images of the dataset that the store has no more.
        batches: what `infer --batch` takes for ``new``.
        marked: tasks that got a mark, since their image vanished.
        unmarked: tasks that lost it, since their image is back.
        withheld: tasks that got no mark, since most images vanished at once.
        strange: tasks with images, where the store knows not one image of the dataset.
    """

    dataset: str
    check: bool
    relabel: bool
    collected: int
    unreadable: tuple[dict[str, str], ...]
    snapshot: int
    created: int
    updated: int
    deleted: int
    labeled: int
    skipped: int
    tasks_created: int
    predictions_pushed: int
    new: Objects
    changed: Objects
    vanished: Objects
    batches: tuple[str, ...]
    marked: int
    unmarked: int
    withheld: int
    strange: int
    seconds: dict[str, float]

    @property
    def to_do(self) -> bool:
        """A `sync` would change something."""
        changes = self.created or self.updated or self.deleted
        work = changes or self.relabel or self.collected or self.predictions_pushed
        return bool(work or self.marked or self.unmarked)

    @property
    def exit_code(self) -> int:
        """2 when a check found work to do, for `sync` or for `infer`."""
        work = self.to_do or self.new.count or self.changed.count or self.withheld
        return PENDING if self.check and work else 0


@dataclass(frozen=True)
class VersionStats:
    """One model version in the project: predictions, and what people did with them."""

    predictions: int = 0
    accepted: int = 0
    overridden: int = 0


@dataclass(frozen=True)
class Sameness:
    """How many answers are what the model says, of ``n``."""

    n: int
    same: Estimate


@dataclass(frozen=True)
class RoundStats:
    """The last round: tasks that were asked, of these those for the holdout, and those answered."""

    number: int
    created_at: str
    strategy: str
    asked: int
    holdout: int
    answered: int


@dataclass(frozen=True)
class StatsReport:
    """The state of a dataset. ``total`` = ``labeled`` + ``unlabeled`` + ``skipped`` (tasks).

    ``disputed`` counts labelled tasks that have no label in force, since people disagree;
    ``outdated`` those whose picture has changed since: the label is that of the earlier one.
    ``vanished`` counts tasks, labelled or not, that are marked since their image is gone.

    Attributes:
        in_force: the model version that is.
        holdout: its accuracy, also of versions whose record has no evaluation.
        evaluation: of it on the holdout, as its record has it.
        calibration: likewise, out of fold.
        round: the last one that asked people.
        shown, blind: answers of people who saw what the model says, and of people who did not.
        compared: the side of the split that both are about; empty where they do not compare.
        accepted: annotations that nobody looked at: predictions that were accepted.
        people: their agreement about images that several answered; ``None`` without such.
        next: the command to type now.
    """

    dataset: str
    total: int
    labeled: int
    unlabeled: int
    skipped: int
    disputed: int
    outdated: int
    vanished: int
    labels: dict[str, int]
    model_version: str
    model_versions: dict[str, VersionStats]
    url: str
    in_force: str | None = None
    holdout: Holdout | None = None
    evaluation: Evaluation | None = None
    calibration: dict[str, Any] | None = None
    round: RoundStats | None = None
    shown: Sameness | None = None
    blind: Sameness | None = None
    compared: str = ""
    accepted: int = 0
    people: Agreement | None = None
    next: str = ""


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
class AdoptReport:
    """What `dataset adopt` took over: labels that it asked for, and those that were added."""

    dataset: str
    project: int
    title: str
    tasks: int
    annotations: int
    labels: tuple[str, ...]
    labels_added: tuple[str, ...]


@dataclass(frozen=True)
class SideCounts:
    """Images on each side of the split."""

    train: int
    holdout: int


@dataclass(frozen=True)
class ProjectRow:
    """A Label Studio project, and where people annotate."""

    id: int
    title: str
    url: str


@dataclass(frozen=True)
class DescribeReport:
    """What `dataset describe` knows.

    Attributes:
        live: annotations are those of Label Studio now; else those of the last snapshot.
        why_not_live: why they are not.
        as_of: when they were read, ISO 8601; empty when there are none.
        holdout: share of the images in the holdout.
        images: in the catalogue; ``missing_images`` of them are not in the store any more.
        image_bytes: of those that are.
        labeled_images: that have labels in force, by content; ``split`` and ``labels`` count them.
        disputed: images that have none, since people disagree.
        annotators: Label Studio's user id -> annotations, without skips.
        fingerprint: of the labels in force.
    """

    dataset: str
    project: ProjectRow | None
    live: bool
    why_not_live: str
    as_of: str
    choice: str
    agreement: str
    holdout: float
    images: int
    image_bytes: int
    missing_images: int
    tasks: int | None
    labeled_tasks: int
    skipped_tasks: int
    labeled_images: int
    disputed: int
    split: SideCounts
    labels: dict[str, SideCounts]
    annotators: dict[str, int]
    snapshots: int
    newest_snapshot: str | None
    model_versions: int
    model_version: str | None
    fingerprint: str


@dataclass(frozen=True)
class ExportReport:
    """What `dataset export` wrote.

    Attributes:
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        snapshot: number of the snapshot that holds just these annotations, or 0.
        written: images, or tasks for ``label-studio``.
        train, holdout, labels: labelled images among them.
        accepted: those whose label was accepted from a model, by `dataset accept`.
        folders: label -> name of its folder, for formats that have such.
        left_out: ``file`` and ``reason`` of labelled images that could not be written.
        unlabeled: images of the dataset that have no label in force.
        skipped: tasks that were only skipped.
        disputed: images that have no label since people disagree.
    """

    dataset: str
    format: str
    out: str
    split: str
    live: bool
    why_not_live: str
    snapshot: int
    as_of: str
    written: int
    train: int
    holdout: int
    accepted: int
    labels: dict[str, SideCounts]
    folders: dict[str, str]
    fingerprint: str
    left_out: tuple[dict[str, str], ...]
    unlabeled: int
    skipped: int
    disputed: int
    seconds: float


@dataclass(frozen=True)
class DeleteReport:
    """What `dataset delete` deletes, or has deleted.

    Attributes:
        project, title: of the Label Studio project, if there is one and it goes.
        stored: the store has something of the dataset.
        tasks: of the project.
        annotations: of the project, or of the last snapshot; ``people`` gave them.
        snapshots, model_versions: of the store.
        uploads: images that people uploaded, that only the project has, and that go with it.
        backups: the files that hold what people gave.
    """

    dataset: str
    deleted: bool
    project: int | None
    title: str | None
    keep_project: bool
    stored: bool
    tasks: int
    annotations: int
    people: int | None
    snapshots: int
    model_versions: int
    uploads: int
    backups: tuple[str, ...]


@dataclass(frozen=True)
class LaunchReport:
    """Where people annotate.

    Attributes:
        round: number of the query whose queue it is; 0 where there is no queue.
        asked: tasks of the queue.
        left: of these, that nobody annotated or skipped.
        waiting: of these, that were answered once and are asked of two people. With none of both,
            the address is that of all tasks.
        interrupted: number of a later query that was interrupted before it became the queue, and
            may have taken tasks out of this one; 0 where there is none.
        login: file that holds the login of our own server; ``None`` for that of someone else.
    """

    dataset: str
    url: str
    opened: bool
    round: int = 0
    asked: int = 0
    left: int = 0
    waiting: int = 0
    interrupted: int = 0
    login: str | None = None


@dataclass(frozen=True)
class Check:
    """One line of `doctor` or `storage check`.

    ``status`` is ``ok``, ``warn``, ``fail`` or, where there is nothing to try, ``skip``.
    """

    name: str
    status: str
    detail: str
    fix: str = ""
    code: int = 0


@dataclass(frozen=True)
class DoctorReport:
    """All checks; ends with the exit code of the first that failed."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        """That of the first check that failed."""
        return next((check.code for check in self.checks if check.status == "fail"), 0)


@dataclass(frozen=True)
class SetupStep:
    """One part of what a store needs around it.

    ``status`` is ``ok`` (nothing to do), ``todo``, ``done``, ``skip`` (there is no such thing
    here), ``kept`` (it stays), or ``cannot``, with the exit code in ``code``.
    """

    name: str
    status: str
    detail: str
    fix: str = ""
    code: int = 0


@dataclass(frozen=True)
class SetupReport:
    """What `storage setup` found and made. ``applied`` is False for a plan."""

    store: str
    steps: tuple[SetupStep, ...]
    applied: bool

    @property
    def pending(self) -> bool:
        """There is something to do."""
        return any(step.status == "todo" for step in self.steps)

    @property
    def exit_code(self) -> int:
        """PENDING for a plan with something to do, else that of the first step that failed."""
        return PENDING if self.pending else next((s.code for s in self.steps if s.code), 0)


@dataclass(frozen=True)
class TeardownReport(SetupReport):
    """What `storage teardown` found and removed. ``applied`` is False for a plan."""


@dataclass(frozen=True)
class SetupCommands:
    """What `storage setup --print` prints: commands of the cloud's own."""

    store: str
    cli: str
    commands: str


@dataclass(frozen=True)
class CacheSpace:
    """The embeddings of one backbone and transform.

    Attributes:
        space: name of its folder.
        backbone: torchvision's name of the network.
        transform: what its input goes through; ``None`` if no model version has it.
        images: embeddings in the store by precision class.
        bytes: of all its objects in the store.
        used_by: dataset and name of the model versions that compute with it.
        copies: files of local copies.
        copied_bytes: of these.
    """

    space: str
    backbone: str
    transform: str | None
    images: dict[str, int]
    bytes: int
    used_by: tuple[str, ...]
    copies: int
    copied_bytes: int


@dataclass(frozen=True)
class CachePart:
    """One folder of the cache."""

    name: str
    about: str
    files: int
    bytes: int


@dataclass(frozen=True)
class CacheReport:
    """What `cache info` found."""

    store: str
    folder: str
    spaces: tuple[CacheSpace, ...]
    parts: tuple[CachePart, ...]


@dataclass(frozen=True)
class CachePruneReport:
    """What `cache prune` deleted, or would delete: ``applied`` tells which.

    Attributes:
        store: address of the store.
        folder: of the local copies.
        copies: files of local copies.
        copied_bytes: of these.
        spaces: of the store that go as a whole.
        objects: of the store, those of such spaces too.
        bytes: of these.
        applied: they are gone.
    """

    store: str
    folder: str
    copies: int
    copied_bytes: int
    spaces: tuple[str, ...]
    objects: int
    bytes: int
    applied: bool

    @property
    def pending(self) -> bool:
        """There is something to delete."""
        return not self.applied and bool(self.copies or self.objects)

    @property
    def exit_code(self) -> int:
        """PENDING if something would be deleted."""
        return PENDING if self.pending else 0


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


@dataclass(frozen=True)
class QueryReport:
    """What `infer --query` asks people next.

    Attributes:
        round: its number; 0 when nothing was left to ask.
        strategy: that was asked for.
        used: what chose, which for ``auto`` is another one; empty where only images of the holdout
            were left.
        why: in words.
        asked: tasks, the holdout among them.
        holdout: of these, that no strategy chose.
        twice: of these, that two people are asked.
        left: tasks that nobody annotated and that were not asked this time.
        unseen: tasks that could not be chosen, as this model's backbone has not seen their images.
        seconds: that choosing took.
        crowded: several people may be given one task, since the server does not pass over tasks
            that others have open.
    """

    round: int
    strategy: str
    used: str
    why: str
    asked: int
    holdout: int
    twice: int
    left: int
    seconds: float
    crowded: bool = False
    unseen: int = 0


@dataclass(frozen=True)
class BlindReport:
    """Images that people see without a prediction.

    Attributes:
        share: of the images.
        images: of the batch, that are so.
        cleared: tasks that lost predictions in this run, since the share grew.
        seen: tasks of such images that were annotated while they still showed one.
    """

    share: float
    images: int
    cleared: int = 0
    seen: int = 0


@dataclass(frozen=True)
class PageReport:
    """What `report` wrote.

    Attributes:
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        points: images on the map.
        missing: section -> why it has nothing to show, and the command that changes it.
        opened: a browser was asked to show it.
    """

    dataset: str
    out: str
    bytes: int
    model_version: str | None
    live: bool
    why_not_live: str
    as_of: str
    points: int
    missing: dict[str, str]
    opened: bool
    seconds: float


@dataclass(frozen=True)
class AcceptReport:
    """What `dataset accept` found and did. ``applied`` is False for a plan.

    Attributes:
        dataset: its name.
        version: whose predictions are accepted.
        precision: that was asked for.
        threshold: predictions at least that sure are accepted.
        holdout: labelled images of the holdout that the threshold was chosen on.
        above: of these, as sure as that.
        errors: of these, wrongly predicted.
        low: lower end of their precision, 95 %, one-sided.
        untouched: tasks with a prediction that nobody touched, outside of the holdout.
        spot_check: of the sure ones, those left for people.
        over_limit: sure ones that ``--limit`` left for the next time.
        accepted: tasks whose prediction was, or would be, accepted.
        passed_over: tasks that someone touched meanwhile.
        wrong_at_most: how many of ``accepted`` may be wrong, by ``low``.
        labels: of what was, or would be, accepted.
        applied: it was done.
    """

    dataset: str
    version: str
    precision: float
    threshold: float
    holdout: int
    above: int
    errors: int
    low: float
    untouched: int
    spot_check: int
    over_limit: int
    accepted: int
    passed_over: int
    wrong_at_most: int
    labels: dict[str, int]
    applied: bool
    seconds: float

    @property
    def exit_code(self) -> int:
        """PENDING for a plan with something to accept."""
        return PENDING if self.accepted and not self.applied else 0


@dataclass(frozen=True)
class UndoReport:
    """What `dataset accept --undo` found and did. ``applied`` is False for a plan.

    ``withdrawn`` counts annotations; ``kept`` those that someone touched just now.
    """

    dataset: str
    version: str
    withdrawn: int
    kept: int
    applied: bool
    seconds: float

    @property
    def exit_code(self) -> int:
        """PENDING for a plan with something to withdraw."""
        return PENDING if self.withdrawn and not self.applied else 0


@dataclass(frozen=True)
class CurveReport:
    """What more labels would bring.

    Attributes:
        dataset: its name.
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        labels: images that are learnt from when all are used.
        judged_by: ``holdout``, or ``out-of-fold`` where that is too small.
        judges: images that judge.
        points: accuracy at shares of the labels, the least first.
        forecast: with as many labels again.
        gain: of the forecast over all labels that there are, in shares of 1.
        verdict: the same in words.
        stop: more labels of the same kind are not worth it.
        why: why, or why not.
        left_out: ``file`` and ``reason`` of labelled images that could not be used.
    """

    dataset: str
    live: bool
    why_not_live: str
    as_of: str
    labels: int
    judged_by: str
    judges: int
    points: tuple[CurvePoint, ...]
    forecast: CurvePoint
    gain: Estimate
    verdict: str
    stop: bool
    why: str
    left_out: tuple[dict[str, str], ...]
    seconds: float


@dataclass(frozen=True)
class ReviewReport:
    """Labels that may be wrong, and what became of those that were asked about.

    Attributes:
        dataset: its name.
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        judged: labelled images that were looked at.
        suspects: the most doubtful first.
        in_doubt: how many there are, with those that ``--limit`` left out.
        overlaps: labels whose images look alike; single choice only.
        corrected, confirmed, still_open: of the images that earlier reviews asked about.
        round: number of the review that was pushed, 0 for none.
        url: of the review in Label Studio, empty without one.
        left_out: ``file`` and ``reason`` of labelled images that could not be judged.
    """

    dataset: str
    live: bool
    why_not_live: str
    as_of: str
    judged: int
    suspects: tuple[Suspect, ...]
    in_doubt: int
    overlaps: tuple[Overlap, ...]
    corrected: int
    confirmed: int
    still_open: int
    round: int
    url: str
    left_out: tuple[dict[str, str], ...]
    seconds: float


@dataclass(frozen=True)
class SimulatedPoint:
    """Accuracy on the test images after so many labels: mean and standard error over the seeds."""

    labels: int
    accuracy: float
    error: float


@dataclass(frozen=True)
class SimulatedStrategy:
    """One strategy of `simulate`.

    Attributes:
        name: of the strategy.
        points: after each round.
        needed: labels for the accuracy that ``random`` has with all of the budget; ``None`` where
            they do not suffice.
        saved: share of the budget that this leaves; below 0 it would be.
        error: standard error of ``saved``, by the jackknife over the seeds.
    """

    name: str
    points: tuple[SimulatedPoint, ...]
    needed: float | None
    saved: float | None
    error: float


@dataclass(frozen=True)
class SimulateReport:
    """A folder of labelled images, labelled again by each strategy.

    Attributes:
        folder: as it was named.
        images: that take part, each content once.
        pool: of these, how many may be asked about.
        test: of these, how many accuracy is told from.
        labels: names, sorted.
        seeds: replays of each strategy.
        query: labels a round.
        budget: labels in all.
        backbone: what the embeddings come from.
        embedded: images that were embedded now; the others were kept in the cache.
        strategies: in the order of the command line, ``random`` among them.
        left_out: files with reasons.
        seconds: it took.
        out, plot: files that were written.
    """

    folder: str
    images: int
    pool: int
    test: int
    labels: tuple[str, ...]
    seeds: int
    query: int
    budget: int
    backbone: BackboneInfo
    embedded: int
    strategies: tuple[SimulatedStrategy, ...]
    left_out: tuple[dict[str, str], ...]
    seconds: float
    out: str | None = None
    plot: str | None = None


@dataclass(frozen=True)
class DuplicateImage:
    """One image of a group.

    Attributes:
        key: of the image.
        sha256: content hash.
        labels: that people gave it, under this key where the content has several; else ``None``.
        side: of the split, where it is labelled.
    """

    key: str
    sha256: str
    labels: tuple[str, ...] | None
    side: str | None


@dataclass(frozen=True)
class DuplicateGroup:
    """Images that show the same picture.

    Attributes:
        kind: ``exact`` (the same bytes) or ``near``.
        images: by key.
        differ: people gave them different labels.
    """

    kind: str
    images: tuple[DuplicateImage, ...]
    differ: bool


@dataclass(frozen=True)
class DuplicatesReport:
    """What `dataset duplicates` found.

    Attributes:
        live, why_not_live, as_of: where labels are from, as for `dataset describe`.
        images: keys of the dataset.
        contents: of these, different ones.
        groups: those whose labels differ first, then by size; at most as many as were asked for.
        exact, near: how many there are of each kind.
        differing: of all, groups whose labels differ.
        straddling: of all, groups with labelled images on both sides of the split.
        model_version: whose backbone tells what is near.
        compared: contents that have an embedding by it.
        without_embedding: contents that have none.
        limit: distance of two embeddings of length 1 below which they are near.
        complete: no near pair was missed; with very many images some may be.
        why_no_near: why near-duplicates were not looked for, if they were not.
    """

    dataset: str
    live: bool
    why_not_live: str
    as_of: str
    images: int
    contents: int
    groups: tuple[DuplicateGroup, ...]
    exact: int
    near: int
    differing: int
    straddling: int
    model_version: str | None
    compared: int
    without_embedding: int
    limit: float | None
    complete: bool
    why_no_near: str
    seconds: float
