"""Predict a batch and show it to people: put, embed, predict, push."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from annolooop.loop.batch import Listing, list_batch
from annolooop.loop.collect import Collected, collect
from annolooop.loop.embed import Batch, Embedder
from annolooop.loop.predict import predict, predict_probabilities, require_promoted
from annolooop.loop.project import ensure_project, lookup_project
from annolooop.loop.push import Plan, foresee, plan, push
from annolooop.loop.write import check_output, write_predictions
from annolooop.records import ModelVersion, Track
from annolooop.reports import InferReport, left_out, some
from annolooop.stack import Stack


@dataclass(frozen=True)
class InferOptions:
    """How to infer.

    Attributes:
        rerun: also refresh tasks that only have predictions of other versions.
        dry_run: write nothing, and count what would be done.
        push: send tasks and predictions to Label Studio.
        out: a file to write predictions to: .csv, .jsonl or .parquet.
    """

    rerun: bool = False
    dry_run: bool = False
    push: bool = True
    out: Path | None = None


def infer(stack: Stack, batch: str | None, options: InferOptions, track: Track) -> InferReport:
    """Predict the images of a batch with the promoted version; create tasks, push predictions.

    Args:
        stack: the annotation loop.
        batch: a folder or a prefix of the store; ``None`` for every image of the dataset.
        options: how.
        track: shows how far it is.

    Raises:
        DataError: there is no model, or no readable image.
        UsageError: there is no such folder or prefix, or ``out`` cannot be written.
        UnreachableError: Label Studio or the store fails; what was done is kept.
    """
    begun = time.monotonic()
    if options.out:
        check_output(options.out)
    version = require_promoted(stack)
    listing = Listing([]) if batch is None else open_batch(stack, batch)
    project, collected = None, Collected()
    if options.push and options.dry_run:
        project = lookup_project(stack, stack.config.dataset.name)
        if project:
            collected = Collected(len(stack.studio.tasks_without_key(project.id)))
    elif options.push:
        project = ensure_project(stack)
        collected = collect(stack, project, track)
    # What was collected is of the dataset too. In a dry run it may be all that there will be.
    if batch is None and (len(stack.catalog) or not collected.tasks):
        listing = open_batch(stack, batch)
    if listing.folder is not None and not options.dry_run:
        stack.catalog.watch(listing.folder)
    embeddings = stack.embeddings(version.backbone)
    listed = time.monotonic()
    embedder = Embedder(
        stack.store,
        stack.catalog,
        embeddings,
        lambda: stack.restore_pipeline(version.backbone),
    )
    done = (embedder.look if options.dry_run else embedder.run)(listing.sources, track)
    embedded = time.monotonic()
    if options.out and not options.dry_run:
        known = predict_probabilities(stack.registry, version, embeddings, done.images)
        write_predictions(options.out, version, done.images, known)
    if options.dry_run and options.push:
        todo = foresee(stack, plan(stack, project, done.images, version.name, options.rerun))
    elif project:
        predictions = predict(stack.registry, version, embeddings, done.images)
        todo = push(stack, project, predictions, version.name, options.rerun, track)
    else:
        todo = Plan()
    seconds = {
        "list": round(listed - begun, 3),
        "embed": round(embedded - listed, 3),
        "push": round(time.monotonic() - embedded, 3),
    }
    url = stack.studio.stream_url(project.id) if project else None
    done.unreadable |= collected.failed
    report = _report(stack, batch, options, version, collected.tasks, done, todo, url, seconds)
    return replace(report, vanished=some(listing.vanished))


def open_batch(stack: Stack, batch: str | None) -> Listing:
    """What :func:`list_batch` finds."""
    return list_batch(batch, stack.store, stack.catalog, stack.file_hashes)


def _report(
    stack: Stack,
    batch: str | None,
    options: InferOptions,
    version: ModelVersion,
    collected: int,
    done: Batch,
    todo: Plan,
    url: str | None,
    seconds: dict[str, float],
) -> InferReport:
    return InferReport(
        dataset=stack.config.dataset.name,
        batch=batch,
        model_version=version.name,
        dry_run=options.dry_run,
        collected=collected,
        images=len(done.images),
        uploaded=done.uploaded,
        embedded=done.embedded,
        cached=len(done.images) - done.embedded,
        unreadable=left_out(done.unreadable.items()),
        tasks_created=len(todo.new),
        predictions_pushed=len(todo.new) + len(todo.bare),
        changed=len(todo.changed),
        stale=todo.stale,
        out=str(options.out) if options.out else None,
        url=url,
        seconds=seconds,
    )
