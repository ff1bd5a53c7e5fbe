"""Embed the images of a batch that have no embedding yet, and make them part of the dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from annolooop.errors import DataError
from annolooop.loop.batch import Source, place
from annolooop.records import Image, Track
from annolooop.storage.ahead import ahead
from annolooop.storage.embeddings import Embeddings, Vector
from annolooop.storage.images import ImageCatalog, Lost, content_hash, read_images
from annolooop.storage.store import ArtifactStore, StoredObject, is_key

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


@dataclass(frozen=True)
class _Identified:
    """What a file of a batch is.

    Attributes:
        source: the file.
        image: of the dataset, or to become one.
        data: its bytes, where it has no embedding yet.
    """

    source: Source
    image: Image
    data: bytes | None


@dataclass(frozen=True)
class _Put:
    """An image in the store: its etag there, or what went wrong."""

    etag: str = ""
    uploaded: bool = False
    failure: str | None = None


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
        looked = self._identify_each(track(sources, "look", len(sources)), batch.unreadable, [])
        for found in looked:
            batch.images.append(found.image)
            batch.uploaded += self._stored(found.source, found.image) is None
            if found.data is not None:
                lacking.add(found.image.sha256)
        batch.embedded = len(lacking)
        return batch

    def embed_images(self, images: Iterable[Image], track: Track) -> dict[str, str]:
        """Embed images of the store that lack an embedding.

        Returns:
            Content hash -> reason, of those that cannot be read.
        """
        wanted = list(images)
        unknown = self._embeddings.lacking(image.sha256 for image in wanted)
        lacking = [image for image in wanted if image.sha256 in unknown]
        unreadable: dict[str, str] = {}

        def files(part: Iterable[Image]) -> Iterator[tuple[str, bytes]]:
            for image, data in read_images(self._store, part):
                if isinstance(data, Lost):
                    unreadable[image.sha256] = str(data)
                else:
                    yield image.sha256, data

        remaining = iter(track(lacking, "embed"))
        for _ in range(0, len(lacking), CHECKPOINT):
            unreadable |= self._embed(files(islice(remaining, CHECKPOINT)))[1]
        return unreadable

    def _run_part(self, part: Iterator[Source], batch: Batch) -> bool:
        """Do one checkpoint's worth. Returns whether there was any."""
        # A shard that cannot be read shows when its hashes are looked up all at once.
        sources = list(part)
        known = (self._known(source) for source in sources)
        self._embeddings.lacking(image.sha256 for image in known if image)
        seen: list[tuple[Source, Image]] = []
        unreadable: dict[str, str] = {}
        useless: list[StoredObject] = []

        def files() -> Iterator[tuple[str, bytes]]:
            for found in self._identify_each(sources, unreadable, useless):
                seen.append((found.source, found.image))
                if found.data is not None:
                    yield found.image.sha256, found.data

        embedded, failed = self._embed(files())
        unreadable |= {s.name: failed[i.sha256] for s, i in seen if i.sha256 in failed}
        useless += [s.found for s, i in seen if i.sha256 in failed and s.found and not s.file]
        decoded = [(s, i) for s, i in seen if i.sha256 not in failed]
        etags: dict[str, str] = {}
        kept: list[Image] = []
        puts = ahead(lambda pair: self._put(*pair), decoded, self._store.at_once)
        for (source, image), put in zip(decoded, puts, strict=True):
            batch.uploaded += put.uploaded
            if put.failure:
                unreadable[source.name] = put.failure
            else:
                kept.append(image)
                etags[image.key] = put.etag
        self._catalog.add(kept, etags)
        self._catalog.set_aside(useless)
        batch.images += kept
        batch.embedded += len(embedded)
        batch.unreadable |= unreadable
        return bool(seen or unreadable)

    def _identify_each(
        self,
        sources: Iterable[Source],
        unreadable: dict[str, str],
        useless: list[StoredObject],
    ) -> Iterator[_Identified]:
        """What each file is; those that cannot be told are noted with the reason.

        So are objects of the store that nobody could be shown.
        """
        for source, stored in self._store.get_each(sources, self._unknown_key):
            if source.found and self._unshown(source):
                useless.append(source.found)
            try:
                found = self._flaw(source) or self._identify(source, stored)
            except (OSError, KeyError) as error:
                found = _why(error)
            if isinstance(found, _Identified):
                yield found
            else:
                unreadable[source.name] = found

    def _flaw(self, source: Source) -> str | None:
        try:
            source.key.encode()
        except UnicodeEncodeError:  # a name that is not text cannot be a key
            return "its name is not valid UTF-8"
        return self._unshown(source)

    def _unshown(self, source: Source) -> str | None:
        """Why nobody could be shown it, because of its name."""
        if not is_key(source.key):
            return "its name has an empty part between slashes, or . or .. as one"
        reasons = (why for odd, why in self._store.unshown.items() if odd in source.key)
        return next(reasons, None)

    def _known(self, source: Source) -> Image | None:
        return self._catalog.known(source.found) if source.found else None

    def _unknown_key(self, source: Source) -> str | None:
        """Key of what the store has, if it must be read to tell what the file is."""
        known = self._known(source)
        told = known and (source.file or known.sha256 in self._embeddings)
        return None if source.found is None or told or self._flaw(source) else source.key

    def _identify(self, source: Source, stored: bytes | KeyError | None) -> _Identified:
        """What a file is, given what the store has under its key, if that had to be read."""
        known, data = self._known(source), stored
        if isinstance(stored, KeyError):
            source = replace(source, found=None)  # it is gone since it was listed
        if source.file:
            data = source.file.read_bytes()
            held = known.sha256 if known else None
            if isinstance(stored, bytes):
                held = content_hash(stored)
            image = place(source, content_hash(data), held)
        elif isinstance(data, bytes):
            image = Image(source.key, content_hash(data))
        elif known and data is None:
            image = known
        else:
            raise KeyError(source.key)
        lacking = isinstance(data, bytes) and image.sha256 not in self._embeddings
        return _Identified(source, image, data if lacking else None)

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
        self._embeddings.add(vectors, getattr(self._pipeline, "precision", "fp32"))
        return set(vectors), failed

    def _stored(self, source: Source, image: Image) -> str | None:
        """Etag of an image that is in the store already."""
        if source.found is None:
            return None
        if source.found.key == image.key:
            return source.found.etag
        try:
            return self._store.info(image.key).etag
        except KeyError:
            return None

    def _put(self, source: Source, image: Image) -> _Put:
        """Put an image into the store, if it is not there."""
        etag = self._stored(source, image)
        if etag is not None or source.file is None:
            return _Put(etag or "")
        try:
            data = source.file.read_bytes()
        except OSError as error:
            return _Put(failure=_why(error))
        if content_hash(data) != image.sha256:
            return _Put(failure="it changed while it was read")
        uploaded = self._store.put_new(image.key, data)
        try:
            if not uploaded and content_hash(self._store.get(image.key)) != image.sha256:
                return _Put(
                    failure="another image was put under its key just now; type the command again"
                )
            return _Put(self._store.info(image.key).etag, uploaded)
        except KeyError as error:
            return _Put(failure=_why(error))


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return "it is no longer in the store"
    return getattr(error, "strerror", None) or str(error)
