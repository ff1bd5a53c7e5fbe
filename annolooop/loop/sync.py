"""Pull annotations into a snapshot, and push what Label Studio lacks."""

import time
from dataclasses import replace
from datetime import datetime, timezone

from annolooop.loop.predict import predict
from annolooop.loop.project import ensure_project
from annolooop.loop.pull import pull
from annolooop.loop.push import Pushed, push
from annolooop.records import Changes, ProjectCounts, Snapshot, Track
from annolooop.reports import SyncReport
from annolooop.stack import Stack
from annolooop.storage.dataset import compare


def sync(stack: Stack, track: Track) -> SyncReport:
    """Bring the store and Label Studio to the same state.

    Pulled: annotations, as a new snapshot if anything changed. Pushed: a task for each image of
    the dataset that has none, and predictions of the promoted version for tasks that have none
    at all; images whose embedding is not kept wait for `infer`.

    Raises:
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    project = ensure_project(stack)
    snapshot, changes = pull_snapshot(stack, project)
    pulled = time.monotonic()
    pushed = _push_missing(stack, project, track)
    return SyncReport(
        dataset=project.title,
        snapshot=snapshot.number,
        created=changes.created,
        updated=changes.updated,
        deleted=changes.deleted,
        labeled=sum(not a.skipped for a in snapshot.annotations),
        skipped=sum(a.skipped for a in snapshot.annotations),
        tasks_created=pushed.tasks,
        predictions_pushed=pushed.predictions,
        seconds={
            "pull": round(pulled - begun, 3),
            "push": round(time.monotonic() - pulled, 3),
        },
    )


def pull_snapshot(stack: Stack, project: ProjectCounts) -> tuple[Snapshot, Changes]:
    """Pull annotations; store a new snapshot if they differ from the last one.

    Returns:
        The newest snapshot, and what changed since the one before.
    """
    last = stack.snapshots.latest()
    pulled = pull(stack.studio, project, last, datetime.now(timezone.utc))
    changes = compare(last, pulled)
    if not changes:
        return replace(last, watermark=pulled.watermark), changes
    return stack.snapshots.write(pulled), changes


def _push_missing(stack: Stack, project: ProjectCounts, track: Track) -> Pushed:
    version = stack.registry.promoted()
    if version is None:
        return Pushed(0, 0, 0)
    embeddings = stack.embeddings(version.backbone)
    images = [image for image in stack.catalog.images() if image.sha256 in embeddings]
    predictions = predict(stack.registry, version, embeddings, images)
    return push(stack, project, predictions, version.name, False, track)
