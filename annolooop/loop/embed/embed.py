"""Embed the images of a batch that have no embedding yet, and make them part of the dataset."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from threading import Event
from typing import TYPE_CHECKING

from annolooop.domain.progress import Progress, Track
from annolooop.domain.tasks import Image
from annolooop.errors import DataError, counted
from annolooop.loop.embed.files import FileReader
from annolooop.loop.embed.ordered_buffer import (
    IMAGES_PER_PART,
    SECONDS_PER_PART,
    FinishedFiles,
    OrderedBuffer,
)
from annolooop.loop.embed.put import stored_etag
from annolooop.loop.embed.record import Batch, Recorder
from annolooop.loop.embed.sources import Source, Sources
from annolooop.loop.embed.stages import Stage, Stages
from annolooop.loop.embed.timing import Timing
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings, Vector
from annolooop.storage.file_hashes import FileHashes
from annolooop.storage.images import ImageCatalog, Lost, read_images

if TYPE_CHECKING:
    from annolooop.model.backbones.pipeline import Pipeline


class Embedder:
    """Reads, hashes, embeds and stores images; opens the backbone only when one needs it.

    Args:
        store: where images are kept.
        catalog: the dataset's images.
        embeddings: of the backbone of the current version.
        open_pipeline: loads the backbone.
        hashes: of files of this machine.
        timing: is added to.
    """

    def __init__(
        self,
        store: ArtifactStore,
        catalog: ImageCatalog,
        embeddings: Embeddings,
        open_pipeline: Callable[[], Pipeline],
        hashes: FileHashes | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._embeddings = embeddings
        self._open_pipeline = open_pipeline
        self._opened: Pipeline | None = None
        self._hashes = hashes or FileHashes()
        self._timing = timing or Timing()

    def run(
        self,
        sources: Sources,
        track: Track,
        then: Sequence[Stage] = (),
        stop: Event | None = None,
    ) -> Batch:
        """Make every readable file of the batch an image of the dataset, with an embedding.

        Files are read, decoded and embedded; at the same time, what is done is recorded every few
        seconds, and goes through further stages. Killed at any moment, it has kept all but the last
        of these seconds.

        Args:
            sources: the batch.
            track: shows how far it is.
            then: stages that take the images of each part (a list) when they are recorded.
            stop: the flag of the pipeline, see :class:`Stages`.

        Raises:
            DataError: not one of the files can be read.
        """
        batch = Batch()
        recorder = Recorder(self._store, self._catalog, self._hashes, self._add, batch)

        def record(parts: Iterator[FinishedFiles]) -> Iterator[list[Image]]:
            for part in parts:
                with self._timing.stage("record"):
                    images = recorder.record(part, stages.stop)
                buffer.note_recorded(part)
                if images:
                    yield images

        with Stages([Stage("record", record), *then], stop) as stages:
            buffer = OrderedBuffer(Progress(track, "infer", len(sources)), stages.put)
            files = self._timing.each(self._reader().read(sources), "read")
            for names, vectors, undecodable in self._embed(buffer.to_embed(files)):
                buffer.add(names, vectors, undecodable)
            buffer.end()
        _require_some(batch, len(sources))
        return batch

    def look(
        self, sources: Sources, track: Track, take: Callable[[Sequence[Image]], None]
    ) -> Batch:
        """What :meth:`run` would do; nothing is decoded or written.

        So files that cannot be decoded count as images here, until a run has tried them.

        Args:
            sources: the batch.
            track: shows how far it is.
            take: is called with the images of each part.
        """
        batch = Batch()
        missing: set[str] = set()
        part: list[Image] = []

        def to_read() -> Iterator[Source]:
            for source in track(sources, "look", len(sources)):
                stored = source.stored if source.sha256 is None and not source.file else None
                if stored and self._catalog.is_skipped(stored):
                    batch.unreadable[source.name] = "a run found that it is no image"
                else:
                    yield source

        for file in self._reader().read(to_read()):
            if file.image is None:
                batch.unreadable[file.source.name] = file.failure
                continue
            batch.images += 1
            batch.uploaded += stored_etag(self._store, file.source, file.image) is None
            if file.data is not None:
                missing.add(file.image.sha256)
            part.append(file.image)
            if len(part) == IMAGES_PER_PART:
                take(part)
                part = []
        take(part)
        batch.embedded = len(missing)
        return batch

    def embed_images(self, images: Iterable[Image], track: Track) -> dict[str, str]:
        """Embed images of the store that have no embedding.

        Returns:
            Content hash -> reason, of those that cannot be read.
        """
        requested = list(images)
        unknown = self._embeddings.missing(image.sha256 for image in requested)
        missing = [image for image in requested if image.sha256 in unknown]
        unreadable: dict[str, str] = {}

        def files() -> Iterator[tuple[str, bytes]]:
            for image, data in read_images(self._store, track(missing, "embed")):
                if isinstance(data, Lost):
                    unreadable[image.sha256] = str(data)
                else:
                    yield image.sha256, data

        vectors: dict[str, Vector] = {}
        since = time.monotonic()
        for _, new, undecodable in self._embed(files()):
            vectors |= new
            unreadable |= undecodable
            if time.monotonic() - since >= SECONDS_PER_PART or len(vectors) >= IMAGES_PER_PART:
                self._add(vectors)
                vectors, since = {}, time.monotonic()
        self._add(vectors)
        return unreadable

    def _reader(self) -> FileReader:
        return FileReader(self._store, self._embeddings, self._hashes)

    def _embed(
        self, files: Iterator[tuple[str, bytes]]
    ) -> Iterator[tuple[list[str], dict[str, Vector], dict[str, str]]]:
        """Names of a few files, in their order, with embeddings, or reasons why there are none."""
        first = next(files, None)
        if first is None:
            return
        if self._opened is None:
            with self._timing.stage("load"):
                self._opened = self._open_pipeline()
                self._opened.prepare()
        before = self._opened.busy()
        for embedded in self._opened.embed(chain([first], files)):
            yield [*embedded.vectors, *embedded.unreadable], embedded.vectors, embedded.unreadable
        for stage, seconds in self._opened.busy().items():
            self._timing.seconds[stage] += seconds - before.get(stage, 0.0)

    def _add(self, vectors: dict[str, Vector]) -> None:
        if vectors:
            assert self._opened
            self._embeddings.add(vectors, self._opened.precision)


def _require_some(batch: Batch, files: int) -> None:
    if files and not batch.images:
        name, reason = next(iter(batch.unreadable.items()))
        raise DataError(
            f"none of {counted(files, 'file')} can be read; {name}: {reason}",
            "Name a folder with images in it.",
        )
