"""Pull annotations into a snapshot, and push what Label Studio lacks."""

import json
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import islice

from annolooop.loop.collect import Collected, collect
from annolooop.loop.predict import Predictor
from annolooop.loop.project import ensure_project, find_project, project_fits
from annolooop.loop.pull import pull
from annolooop.loop.push import PART, Pusher
from annolooop.loop.stats import count_tasks
from annolooop.loop.watch import Present, look, mark
from annolooop.records import Changes, ProjectCounts, Snapshot, Track
from annolooop.reports import SyncReport, left_out, some
from annolooop.stack import Stack
from annolooop.storage.dataset import compare
from annolooop.storage.prefixes import DATASETS

WHOLE = timedelta(days=7)  # after which everything is pulled, whatever the counters say


def sync(
    stack: Stack, check: bool, track: Track, sure: bool = False, whole: bool = False
) -> SyncReport:
    """Bring the store and Label Studio to the same state.

    Collected: images that people uploaded in Label Studio. Pulled: annotations, as a new snapshot
    if anything changed. Pushed: a task for each image of the dataset that has none, and
    predictions of the promoted version for tasks that have none at all; images whose embedding is
    not kept wait for `infer`. Noticed: what others put into the store, changed there or took
    away; tasks whose image is gone are marked, and no new ones are made for such images.

    Args:
        stack: the annotation loop.
        check: write nothing, and count what would be done.
        track: shows how far it is.
        sure: mark tasks of vanished images even if most images vanished at once.
        whole: pull all annotations, not only what changed, and list all tasks.

    Raises:
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    relabel = False
    if check:
        project = find_project(stack, stack.config.dataset.name)
        relabel = not project_fits(stack, project)
        collected = Collected(len(stack.studio.tasks_without_key(project.id)))
        last = stack.snapshots.latest()
        pulled_now = pull(stack.studio, project, last, whole)
        snapshot, changes = replace(pulled_now, number=last.number), compare(last, pulled_now)
    else:
        project = ensure_project(stack)
        collected = collect(stack, project, track)
        snapshot, changes = pull_snapshot(stack, project, whole)
    pulled = time.monotonic()
    watched = look(stack)
    missing = _push_missing(stack, project, watched.present, check, whole, track)
    marks = mark(stack, project, watched, sure, check, track)
    labeled, skipped = count_tasks(snapshot.annotations)
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
        labeled=labeled,
        skipped=skipped,
        tasks_created=missing.tasks,
        predictions_pushed=missing.predictions,
        new=some(watched.new),
        changed=some(watched.changed),
        vanished=some(watched.vanished),
        batches=watched.batches,
        marked=marks.marked,
        unmarked=marks.unmarked,
        withheld=marks.withheld,
        strange=_strange(stack, project, collected),
        seconds={
            "pull": round(pulled - begun, 3),
            "push": round(time.monotonic() - pulled, 3),
        },
    )


def pull_snapshot(
    stack: Stack, project: ProjectCounts, whole: bool = False
) -> tuple[Snapshot, Changes]:
    """Pull annotations; store a new snapshot if they differ from the last one.

    All of them, rather than what changed, if ``whole`` says so or that was a week ago.

    Of two that pull at the same moment one stores its snapshot, and the other pulls what came
    after it. So neither waits, and none is stored twice or hides a newer one.

    Returns:
        The newest snapshot, and what changed since the one before.
    """
    whole = whole or _is_due(stack, project)
    while True:
        last = stack.snapshots.latest()
        pulled = pull(stack.studio, project, last, whole)
        changes = compare(last, pulled)
        if changes:
            stored = stack.snapshots.write(pulled, last.number)
        else:
            stored = replace(last, watermark=pulled.watermark)
        if stored:
            if whole:
                note = {"project": project.identity, "at": pulled.created_at}
                stack.store.put(_note(stack), json.dumps(note).encode())
            return stored, changes
        project = find_project(stack, stack.config.dataset.name)  # its counters have moved on


def _is_due(stack: Stack, project: ProjectCounts) -> bool:
    """Whether all annotations of a project were never pulled, or not for a long time."""
    try:
        note = stack.store.get_json(_note(stack))
    except KeyError:
        return True
    since = datetime.now(timezone.utc) - datetime.fromisoformat(note["at"])
    return bool(note["project"] != project.identity or abs(since) > WHOLE)


def _note(stack: Stack) -> str:
    """Key of a note in the store: when all annotations were pulled."""
    return f"{DATASETS}/{stack.config.dataset.name}/pulled.json"


def _strange(stack: Stack, project: ProjectCounts, collected: Collected) -> int:
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


def _push_missing(
    stack: Stack,
    project: ProjectCounts,
    present: Present,
    check: bool,
    doubt: bool,
    track: Track,
) -> _Missing:
    """Send, or only count, what is missing; some thousands of images are in memory at a time."""
    missing = _Missing()
    version = stack.registry.promoted()
    if version is None:
        return missing
    embeddings = stack.embeddings(version.backbone)
    pusher = Pusher(stack, project, version.name, refresh=False, doubt=doubt)
    images = present.images()
    predictor = None if check else Predictor(stack, version, embeddings)
    while found := list(islice(images, PART)):
        lacking = embeddings.lacking(image.sha256 for image in found)  # damaged ones, too
        part = [image for image in found if image.sha256 not in lacking]
        if predictor is None:
            todo = pusher.foresee(part)
        else:
            todo = pusher.send_images(part, predictor.predict, track)
        missing.tasks += len(todo.new)
        missing.predictions += todo.predictions
    if not check:
        pusher.finish()
    return missing
