"""Predict a batch and show it to people: put, embed, predict, push."""

import time

from annolooop.loop.batch import list_batch
from annolooop.loop.embed import Embedder
from annolooop.loop.predict import predict, require_promoted
from annolooop.loop.project import ensure_project
from annolooop.loop.push import push
from annolooop.records import Track
from annolooop.reports import InferReport
from annolooop.stack import Stack


def infer(stack: Stack, batch: str | None, rerun: bool, track: Track) -> InferReport:
    """Predict the images of a batch with the promoted version; create tasks, push predictions.

    Args:
        stack: the annotation loop.
        batch: a folder or a prefix of the store; ``None`` for every image of the dataset.
        rerun: also refresh tasks that only have predictions of other versions.
        track: shows how far it is.

    Raises:
        DataError: there is no model, or no readable image.
        UsageError: there is no such folder or prefix.
        UnreachableError: Label Studio or the store fails; what was done is kept.
    """
    begun = time.monotonic()
    version = require_promoted(stack)
    sources = list_batch(batch, stack.store, stack.catalog)
    project = ensure_project(stack)
    embeddings = stack.embeddings(version.backbone)
    listed = time.monotonic()
    embedder = Embedder(
        stack.store,
        stack.catalog,
        embeddings,
        lambda: stack.restore_pipeline(version.backbone),
    )
    done = embedder.run(sources, track)
    embedded = time.monotonic()
    predictions = predict(stack.registry, version, embeddings, done.images)
    predicted = time.monotonic()
    pushed = push(stack, project, predictions, version.name, rerun, track)
    return InferReport(
        dataset=project.title,
        batch=batch,
        model_version=version.name,
        images=len(done.images),
        uploaded=done.uploaded,
        embedded=done.embedded,
        cached=len(done.images) - done.embedded,
        unreadable=tuple({"file": f, "reason": r} for f, r in done.unreadable.items()),
        tasks_created=pushed.tasks,
        predictions_pushed=pushed.predictions,
        stale=pushed.stale,
        url=stack.studio.stream_url(project.id),
        seconds={
            "list": round(listed - begun, 3),
            "embed": round(embedded - listed, 3),
            "predict": round(predicted - embedded, 3),
            "push": round(time.monotonic() - predicted, 3),
        },
    )
