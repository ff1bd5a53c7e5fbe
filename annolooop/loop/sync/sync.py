"""Pull annotations into a snapshot, and push what Label Studio does not have."""

import time
from dataclasses import dataclass, field, replace
from itertools import islice

from annolooop.domain.annotations import ProjectCounts, compare
from annolooop.domain.answers import count_tasks
from annolooop.domain.progress import PENDING, Objects, Track, left_out, some
from annolooop.domain.versions import ModelVersion
from annolooop.loop.labels.again import ask_again
from annolooop.loop.labels.project import (
    advice,
    ensure_project,
    explaining_deletion,
    find_project,
    project_fits,
)
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.labels.uploads import Uploads, collect_uploads
from annolooop.loop.labels.why_none import unreadable_answers
from annolooop.loop.push.blind import hides
from annolooop.loop.push.changes import Present, find_changes, mark_vanished
from annolooop.loop.push.doubles import Doubles
from annolooop.loop.push.push import IMAGES_PER_PART, Pusher
from annolooop.loop.rounds.figures import last_round
from annolooop.loop.rounds.next_step import LoopState
from annolooop.loop.versions.predict import Predictor, labels_gone
from annolooop.stack import Stack


@dataclass(frozen=True)
class SyncReport:
    """What `sync` pulled and pushed. ``snapshot`` is 0 while nothing is annotated.

    With ``check``, nothing was done, and the counts are what would be.

    Attributes:
        relabel: how the project asks for labels is to change, as a check shows.
        collected: tasks that people uploaded, whose images became part of the dataset.
        unreadable: ``file`` and ``reason`` of uploaded images that could not be fetched.
        model_version: the current one; empty before the first.
        relabelled: ``dataset.labels`` are others than its own.
        learnt: it was made from this snapshot.
        refused: name of the one that was, and that the gate refused; empty where there is none.
        asked: tasks of the last round; ``left`` of them are to do.
        measured: the holdout had enough labelled images to tell how good it is.
        tasks: of the project.
        labeled, skipped, empty: of these, as in :class:`TaskCounts`; empty ones are asked again.
        unreadable_answers: ``file`` and ``reason`` of answers that cannot be read.
        again: where people answer these tasks again; empty where there are none, or in a check.
        advice: what to change in the project or in the stack file.
        new: objects of the store, where the dataset has images, that `infer` has not seen yet.
        changed: images of the dataset whose object is another one since; they wait for `infer` too.
        vanished: images of the dataset that the store has no more.
        doubled: tasks and predictions that were there twice, and were deleted: nobody had touched
            them.
        answered_twice: tasks that stay beside another one of their picture: people answered both.
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
    empty: int
    unreadable_answers: tuple[dict[str, str], ...]
    again: str
    advice: tuple[str, ...]
    tasks_created: int
    predictions_pushed: int
    new: Objects
    changed: Objects
    vanished: Objects
    doubled: int
    answered_twice: int
    batches: tuple[str, ...]
    marked: int
    unmarked: int
    withheld: int
    strange: int
    seconds: dict[str, float]
    model_version: str = ""
    relabelled: bool = False
    learnt: bool = False
    refused: str = ""
    asked: int | None = None
    left: int = 0
    measured: bool = False
    tasks: int = 0

    @property
    def state(self) -> LoopState:
        """The loop after this run."""
        return LoopState(
            dataset=self.dataset,
            model=bool(self.model_version),
            relabelled=self.relabelled,
            tasks=self.tasks,
            to_do=self.tasks - self.labeled - self.skipped,
            news=None if self.labeled and not (self.learnt or self.refused) else False,
            refused="" if self.learnt else self.refused,
            asked=self.asked,
            left=self.left,
            measured=self.measured,
        )

    @property
    def to_do(self) -> bool:
        """A `sync` would change something."""
        changes = self.created or self.updated or self.deleted
        work = changes or self.relabel or self.collected or self.predictions_pushed
        return bool(work or self.marked or self.unmarked)

    @property
    def exit_code(self) -> int:
        """2 when a check finds work to do, for `sync` or for `infer`."""
        work = self.to_do or self.new.count or self.changed.count or self.withheld
        return PENDING if self.check and work else 0


@explaining_deletion
def sync(
    stack: Stack,
    check: bool,
    track: Track,
    sure: bool = False,
    whole: bool = False,
    accept_loss: bool = False,
) -> SyncReport:
    """Bring the store and Label Studio to the same state.

    Uploads: images that people uploaded in Label Studio. Pulled: annotations, as a new snapshot
    if anything changed. Pushed: a task for each image of the dataset that has none, and
    predictions of the current version for tasks that have none at all; images whose embedding is
    not kept wait for `infer`. Noticed: what others put into the store, changed there or took
    away; tasks whose image is gone are marked, and no new ones are made for such images.

    Args:
        stack: the annotation loop.
        check: write nothing, and count what would be done.
        track: shows how far it is.
        sure: mark tasks of vanished images even if most images vanished at once.
        whole: pull all annotations, not only what changed, and list all tasks.
        accept_loss: go on where answers of the last snapshot are missing or older.

    Raises:
        RefusedError: they are, and ``accept_loss`` does not say so.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    relabel = False
    if check:
        project = find_project(stack, stack.config.dataset.name)
        relabel = not project_fits(stack, project)
        collected = Uploads(len(stack.studio.tasks.without_key(project.id)))
        last = stack.snapshots.latest()
        pulled_now = pull(stack.studio, project, last, whole, accept_loss)
        snapshot, changes = replace(pulled_now, number=last.number), compare(last, pulled_now)
    else:
        project = ensure_project(stack, accept_loss)
        collected = collect_uploads(stack, project, track)
        snapshot, changes = pull_snapshot(stack, project, whole, accept_loss)
    pulled = time.monotonic()
    watched = find_changes(stack)
    version = stack.registry.current()
    missing = _push_missing(stack, project, version, watched.present, check, whole, track)
    vanished = mark_vanished(stack, project, watched, sure, check, track)
    choice = stack.config.dataset.choice
    counts = count_tasks(snapshot.annotations, choice)
    refused = stack.registry.refused(version) if version else None
    asked = last_round(stack, project.title, snapshot.annotations, choice)
    return SyncReport(
        dataset=project.title,
        check=check,
        relabel=relabel,
        collected=collected.tasks,
        unreadable=left_out(collected.failed.items()),
        snapshot=snapshot.number,
        created=changes.created,
        updated=changes.updated,
        deleted=changes.deleted,
        labeled=counts.labeled,
        skipped=counts.skipped,
        empty=counts.empty,
        unreadable_answers=unreadable_answers(snapshot),
        again="" if check else ask_again(stack, project, choice, counts),
        advice=advice(stack, project),
        tasks_created=missing.tasks,
        predictions_pushed=missing.predictions,
        new=some(watched.new),
        changed=some(watched.changed),
        vanished=some(watched.vanished),
        doubled=missing.doubles.tasks + missing.doubles.predictions,
        answered_twice=missing.doubles.answered,
        batches=watched.batches,
        marked=vanished.marked,
        unmarked=vanished.unmarked,
        withheld=vanished.withheld,
        strange=_strange(stack, project, collected),
        seconds={
            "pull": round(pulled - begun, 3),
            "push": round(time.monotonic() - pulled, 3),
        },
        model_version=version.name if version else "",
        relabelled=bool(version and version.labels != stack.config.dataset.labels),
        learnt=bool(version and version.snapshot == snapshot.number),
        refused=refused.name if refused and refused.snapshot == snapshot.number else "",
        asked=asked.asked if asked else 0,
        left=asked.asked - asked.answered if asked else 0,
        measured=bool(version and version.metrics["holdout"].get("accuracy") is not None),
        tasks=project.tasks + missing.tasks,
    )


def _strange(stack: Stack, project: ProjectCounts, collected: Uploads) -> int:
    """How many tasks have an image that is of another store, if none is of this one.

    A task that names no key is not one of them: its image waits to be collected.
    """
    if len(stack.catalog):
        return 0
    return max(0, project.tasks - collected.tasks - len(collected.failed))


@dataclass
class _Missing:
    """What Label Studio lacked."""

    tasks: int = 0
    predictions: int = 0
    doubles: Doubles = field(default_factory=Doubles)


def _push_missing(
    stack: Stack,
    project: ProjectCounts,
    version: ModelVersion | None,
    present: Present,
    check: bool,
    doubt: bool,
    track: Track,
) -> _Missing:
    """Send, or only count, what is missing; some thousands of images are in memory at a time."""
    missing = _Missing()
    if version is None or labels_gone(stack, version):
        return missing  # the next version predicts labels that the dataset has
    embeddings = stack.embeddings(version.backbone)
    hidden = hides(stack, version)
    pusher = Pusher(stack, project, version.name, refresh=False, doubt=doubt, hidden=hidden)
    images = present.images()
    predictor = None if check else Predictor(stack, version, embeddings)
    while some := list(islice(images, IMAGES_PER_PART)):
        unknown = embeddings.missing(image.sha256 for image in some)  # damaged ones, too
        part = [image for image in some if image.sha256 not in unknown]
        if predictor is None:
            todo = pusher.preview(part)
        else:
            todo = pusher.send_images(part, predictor.predict, track)
        missing.tasks += len(todo.new)
        missing.predictions += todo.predictions
    if not check:
        pusher.finish()
    missing.doubles = pusher.doubles
    return missing
