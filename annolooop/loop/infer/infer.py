"""Predict a batch and show it to people: put, embed, predict, push."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.progress import PENDING, Objects, Track, left_out, some
from annolooop.domain.tasks import Image
from annolooop.loop.embed.batch import Listing, list_batch
from annolooop.loop.embed.embed import Embedder
from annolooop.loop.embed.timing import Timing
from annolooop.loop.infer.predicting import Predicting, Pushed
from annolooop.loop.infer.write import check_output, writing_predictions
from annolooop.loop.labels.project import (
    ensure_project,
    explaining_deletion,
    lookup_project,
)
from annolooop.loop.labels.uploads import Uploads, collect_uploads
from annolooop.loop.push.blind import (
    BlindReport,
    Cleared,
    blind_share,
    clear,
    hides,
    set_blind_share,
)
from annolooop.loop.push.push import Pusher
from annolooop.loop.rounds.next_step import LoopState
from annolooop.loop.rounds.queue import find_queue
from annolooop.loop.versions.predict import Predictor, require_current
from annolooop.stack import Stack

if TYPE_CHECKING:
    from annolooop.loop.infer.query import Query, QueryReport


@dataclass(frozen=True)
class InferReport:
    """What `infer` did.

    Attributes:
        dry_run: nothing was done, and the counts are what would be.
        relabel: the project is to ask for more labels, as a check shows.
        collected: tasks that people uploaded, whose images became part of the dataset. What a dry
            run would do with them is not in the other counts.
        images: readable images of the batch.
        uploaded: of these, put into the store in this run.
        embedded, cached: embeddings computed in this run, and kept ones.
        unreadable: ``file`` and ``reason`` of each file that could not be read.
        changed: images whose task was made for another picture; they are predicted again, and
            answers about the other picture stay with it.
        stale: tasks of the batch that only have predictions of other versions.
        out: the file that predictions were written to.
        vanished: images of the dataset that should be in the batch, and are not in the store.
        passed_over: suffix -> how many files of the batch have it, and so are no images.
        query: what people are asked next, if that was asked for.
        blind: the images that people see without a prediction, if there are to be any.
        hidden: no prediction of the version is shown, since it has learnt nothing.
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
    vanished: Objects = field(default_factory=Objects)
    query: "QueryReport | None" = None
    blind: "BlindReport | None" = None
    passed_over: dict[str, int] = field(default_factory=dict)
    hidden: bool = False

    @property
    def state(self) -> LoopState:
        """The loop after this run."""
        known = LoopState(
            dataset=self.dataset,
            batch=self.batch or "",
            sent=self.url is not None,
            stale=bool(self.stale),
        )
        if self.query and not self.query.round:  # nothing is left to ask
            return replace(known, news=None)
        return replace(known, left=self.query.asked) if self.query else known

    @property
    def exit_code(self) -> int:
        """2 when a dry run finds work to do."""
        work = self.collected or self.uploaded or self.embedded
        work = work or self.predictions_pushed or self.changed
        return PENDING if self.dry_run and work else 0


@dataclass(frozen=True)
class InferOptions:
    """How to infer.

    Attributes:
        rerun: also refresh tasks that only have predictions of other versions.
        dry_run: write nothing, and count what would be done.
        push: send tasks and predictions to Label Studio.
        out: a file to write predictions to: .csv, .jsonl or .parquet.
        query: what to ask people next.
        blind_share: share of the images without a visible prediction, from now on.
    """

    rerun: bool = False
    dry_run: bool = False
    push: bool = True
    out: Path | None = None
    query: "Query | None" = None
    blind_share: float | None = None


@explaining_deletion
def infer(stack: Stack, batch: str | None, options: InferOptions, track: Track) -> InferReport:
    """Predict the images of a batch with the current version; create tasks, push predictions.

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
    timing = Timing()
    begun = time.monotonic()
    if options.out:
        check_output(options.out)
    version = require_current(stack)
    with timing.stage("list"):
        listing = Listing([]) if batch is None else open_batch(stack, batch)
    project, collected, cleared = _prepare_project(stack, options, timing, track)
    # What was collected is of the dataset too. In a dry run it may be all that there will be.
    if batch is None and (len(stack.catalog) or not collected.tasks):
        with timing.stage("list"):
            listing = open_batch(stack, batch)
    if listing.folder is not None and not options.dry_run:
        stack.catalog.watch(listing.folder)
    embeddings = stack.embeddings(version.backbone)
    embedder = Embedder(
        stack.store,
        stack.catalog,
        embeddings,
        lambda: stack.restore_pipeline(version.backbone),
        stack.file_hashes,
        timing,
    )
    hidden = options.push and hides(stack, version)
    pusher = (
        Pusher(stack, project, version.name, options.rerun, hidden=hidden) if options.push else None
    )
    pushed = Pushed()
    if options.dry_run:

        def preview(images: Sequence[Image]) -> None:
            if pusher:
                pushed.add(pusher.preview(images))

        done = embedder.look(listing.sources, track, preview)
    else:
        predictor = Predictor(stack, version, embeddings)
        with ExitStack() as opened:
            out = options.out
            write = opened.enter_context(writing_predictions(out, version)) if out else None
            predicting = Predicting(stack, predictor, write, pusher, timing, pushed)
            done = embedder.run(listing.sources, track, predicting.stages(), stack.stop)
        if pusher:
            with timing.stage("push"):
                pusher.finish()
    done.unreadable |= {**listing.unreadable, **collected.failed}
    query = None
    if options.query and project:
        from annolooop.loop.infer.query import ask  # its strategies load what others need not

        with timing.stage("query"):
            query = ask(stack, project, version, embeddings, options.query, track)
    url = find_queue(stack, stack.config.dataset.name, project).url if project else None
    return InferReport(
        dataset=stack.config.dataset.name,
        batch=batch,
        model_version=version.name,
        dry_run=options.dry_run,
        collected=collected.tasks,
        images=done.images,
        uploaded=done.uploaded,
        embedded=done.embedded,
        cached=done.images - done.embedded,
        unreadable=left_out(done.unreadable.items()),
        tasks_created=pushed.tasks,
        predictions_pushed=pushed.predictions,
        changed=pushed.changed,
        stale=pushed.stale,
        out=str(options.out) if options.out else None,
        url=url,
        seconds={**timing.rounded(), "total": round(time.monotonic() - begun, 3)},
        bottleneck=timing.bottleneck(),
        vanished=some(listing.vanished),
        query=query,
        blind=_blind_report(stack, pushed.blind, cleared) if options.push else None,
        passed_over=dict(listing.passed_over),
        hidden=hidden,
    )


def _prepare_project(
    stack: Stack, options: InferOptions, timing: Timing, track: Track
) -> tuple[ProjectCounts | None, Uploads, Cleared]:
    """The project, the uploads that became part of the dataset, and what was cleared for people.

    In a dry run, the project only if there is one, and how many uploads wait.
    """
    if not options.push:
        return None, Uploads(), Cleared()
    if options.dry_run:
        found = lookup_project(stack, stack.config.dataset.name)
        waiting = len(stack.studio.tasks.without_key(found.id)) if found else 0
        return found, Uploads(waiting), Cleared()
    project = ensure_project(stack)
    with timing.stage("collect"):
        collected = collect_uploads(stack, project, track)
    return project, collected, _blind(stack, project, options)


def _blind(stack: Stack, project: ProjectCounts, options: InferOptions) -> Cleared:
    """Keep to the share of images without a visible prediction, also where it grew."""
    if options.blind_share is not None:
        set_blind_share(stack, options.blind_share)
    return clear(stack, project)


def _blind_report(stack: Stack, images: int, cleared: Cleared) -> BlindReport | None:
    share = blind_share(stack)
    return BlindReport(share, images, cleared.tasks, cleared.seen) if share else None


def open_batch(stack: Stack, batch: str | None) -> Listing:
    """What :func:`list_batch` finds."""
    return list_batch(batch, stack.store, stack.catalog, stack.file_hashes)
