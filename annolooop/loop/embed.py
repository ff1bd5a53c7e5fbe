"""Embed the images of a batch that have no embedding yet, and make them part of the dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

from annolooop.errors import DataError
from annolooop.loop.batch import Source, place
from annolooop.records import Image, Track
from annolooop.storage.embeddings import Embeddings, Vector
from annolooop.storage.images import ImageCatalog, Lost, content_hash, read_image
from annolooop.storage.store import ArtifactStore, StoredObject

if TYPE_CHECKING:
    from annolooop.model.pipeline import Pipeline

CHECKPOINT = 256  # images after which everything done so far is kept


@dataclass
class Batch:
    """What became of a batch.

    Attributes:
        images: readable images, in the batch's order.
        embedded: of these, embedded in this run.
        uploaded: put into the store in this run.
        unreadable: file name -> reason.
    """

    images: list[Image] = field(default_factory=list)
    embedded: int = 0
    uploaded: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


class _UnshownError(Exception):
    """An object that people could not be shown."""


UNIDENTIFIED = (OSError, KeyError, UnicodeEncodeError, _UnshownError)


class Embedder:
    """Reads, hashes, embeds and stores images; opens the backbone only when one needs it.

    Args:
        store: where images are kept.
        catalog: the dataset's images.
        embeddings: of the promoted version's backbone.
        open_pipeline: loads the backbone.
    """

    def __init__(
        self,
        store: ArtifactStore,
        catalog: ImageCatalog,
        embeddings: Embeddings,
        open_pipeline: Callable[[], Pipeline],
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._embeddings = embeddings
        self._open_pipeline = open_pipeline
        self._pipeline: Pipeline | None = None

    def run(self, sources: Sequence[Source], track: Track) -> Batch:
        """Make every readable file of the batch an image of the dataset, with an embedding.

        Killed at any moment, it has kept what it did up to the last checkpoint.

        Raises:
            DataError: not one of the files can be read.
        """
        batch = Batch()
        remaining = iter(track(sources, "embed", len(sources)))
        while self._run_part(islice(remaining, CHECKPOINT), batch):
            pass
        if sources and not batch.images:
            name, reason = next(iter(batch.unreadable.items()))
            raise DataError(
                f"none of the {len(sources)} files can be read; {name}: {reason}",
                "Name a folder with images in it.",
            )
        return batch

    def look(self, sources: Sequence[Source], track: Track) -> Batch:
        """What :meth:`run` would do; nothing is decoded or written.

        So files that cannot be decoded count as images here.
        """
        batch = Batch()
        lacking: set[str] = set()
        for source in track(sources, "look", len(sources)):
            try:
                image, data = self._identify(source)
            except UNIDENTIFIED as error:
                batch.unreadable[source.name] = _why(error)
                continue
            batch.images.append(image)
            batch.uploaded += source.file is not None and not self._store.exists(image.key)
            if data is not None:
                lacking.add(image.sha256)
        batch.embedded = len(lacking)
        return batch

    def embed_images(self, images: Iterable[Image], track: Track) -> dict[str, str]:
        """Embed images of the store that lack an embedding.

        Returns:
            Content hash -> reason, of those that cannot be read.
        """
        lacking = [image for image in images if image.sha256 not in self._embeddings]
        unreadable: dict[str, str] = {}

        def files(part: Iterable[Image]) -> Iterator[tuple[str, bytes]]:
            for image in part:
                try:
                    yield image.sha256, read_image(self._store, image)
                except Lost as error:
                    unreadable[image.sha256] = str(error)

        remaining = iter(track(lacking, "embed"))
        for _ in range(0, len(lacking), CHECKPOINT):
            unreadable |= self._embed(files(islice(remaining, CHECKPOINT)))[1]
        return unreadable

    def _run_part(self, part: Iterator[Source], batch: Batch) -> bool:
        """Do one checkpoint's worth. Returns whether there was any."""
        seen: list[tuple[Source, Image]] = []
        unreadable: dict[str, str] = {}
        useless: list[StoredObject] = []

        def files() -> Iterator[tuple[str, bytes]]:
            for source in part:
                try:
                    image, data = self._identify(source)
                except UNIDENTIFIED as error:
                    unreadable[source.name] = _why(error)
                    if isinstance(error, _UnshownError) and source.found:
                        useless.append(source.found)
                    continue
                seen.append((source, image))
                if data is not None:
                    yield image.sha256, data

        embedded, failed = self._embed(files())
        kept: list[tuple[Source, Image]] = []
        for source, image in seen:
            reason = failed.get(image.sha256) or self._upload(source, image, batch)
            if reason:
                unreadable[source.name] = reason
                if source.found and not source.file:
                    useless.append(source.found)
            else:
                kept.append((source, image))
        self._register(kept)
        self._catalog.set_aside(useless)
        batch.images += [image for _, image in kept]
        batch.embedded += len(embedded)
        batch.unreadable |= unreadable
        return bool(seen or unreadable)

    def _identify(self, source: Source) -> tuple[Image, bytes | None]:
        """The image that a file is; with its bytes when it must be embedded."""
        source.key.encode()  # a name that is not text cannot be a key
        for odd in set(source.key) & set(self._store.unshown):
            raise _UnshownError(self._store.unshown[odd])
        known = self._catalog.known(source.found) if source.found and not source.file else None
        if known and known.sha256 in self._embeddings:
            return known, None
        data = source.file.read_bytes() if source.file else self._store.get(source.key)
        image = place(source, content_hash(data), self._store, self._catalog)
        return image, None if image.sha256 in self._embeddings else data

    def _embed(self, files: Iterable[tuple[str, bytes]]) -> tuple[set[str], dict[str, str]]:
        """Embed and keep. Returns the hashes that are new, and those that failed, with reasons."""
        iterator = iter(files)
        first = next(iterator, None)
        if first is None:
            return set(), {}
        if self._pipeline is None:
            self._pipeline = self._open_pipeline()
        vectors: dict[str, Vector] = {}
        failed: dict[str, str] = {}
        for embedded in self._pipeline.embed(chain([first], iterator)):
            vectors |= embedded.vectors
            failed |= embedded.unreadable
        self._embeddings.add(vectors)
        return set(vectors), failed

    def _upload(self, source: Source, image: Image, batch: Batch) -> str | None:
        """Put a file into the store, if it is not there. Returns what went wrong, if anything."""
        if source.file is None:
            return None
        try:
            data = source.file.read_bytes()
        except OSError as error:
            return _why(error)
        if content_hash(data) != image.sha256:
            return "it changed while it was read"
        if self._store.put_new(image.key, data):
            batch.uploaded += 1
        elif source.found is None and content_hash(self._store.get(image.key)) != image.sha256:
            return "another image was put under its key just now; type the command again"
        return None

    def _register(self, kept: Sequence[tuple[Source, Image]]) -> None:
        etags = {s.found.key: s.found.etag for s, image in kept if s.found and s.key == image.key}
        for _, image in kept:
            if image.key not in etags:
                etags[image.key] = self._store.info(image.key).etag
        self._catalog.add([image for _, image in kept], etags)


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "its name is not valid UTF-8"
    if isinstance(error, KeyError):
        return "it is no longer in the store"
    return getattr(error, "strerror", None) or str(error)
