"""Embed the images of a batch that have no embedding yet, and make them part of the dataset."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from threading import Event, Lock
from typing import TYPE_CHECKING

from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.errors import DataError, counted
from annolooop.loop.embed.batch import place
from annolooop.loop.embed.sources import Source, Sources
from annolooop.loop.embed.timing import Timing
from annolooop.loop.embed.worker import Behind, Stopped
from annolooop.storage.artifacts.prefetch import prefetch
from annolooop.storage.artifacts.store import ArtifactStore, is_key
from annolooop.storage.embeddings.embeddings import Embeddings, Vector
from annolooop.storage.file_hashes import FileHashes
from annolooop.storage.images import ImageCatalog, Lost, content_hash, read_images

if TYPE_CHECKING:
    from annolooop.model.backbones.pipeline import Pipeline

CHECKPOINT = 2.0  # seconds after which what is done is recorded
PART = 2048  # images after which it is, however fast
WRITERS = 8  # images that are written at a time: a disk takes the same time to flush several
LOOKED_UP = 256  # files whose embeddings are looked for at a time

Keep = Callable[[Sequence[Image]], None]


@dataclass
class Batch:
    """What became of a batch.

    Attributes:
        images: readable images.
        embedded: of these, embedded in this run.
        uploaded: put into the store in this run.
        unreadable: file name -> reason.
    """

    images: int = 0
    embedded: int = 0
    uploaded: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Seen:
    """A file of a batch, and what it is.

    Attributes:
        source: the file.
        image: of the dataset, or to become one; ``None`` where that cannot be told.
        data: its bytes, where it has no embedding yet.
        failure: why it is no image.
        useless: nobody could be shown it, or it cannot be read: not to be tried again.
    """

    source: Source
    image: Image | None
    data: bytes | None = None
    failure: str = ""
    useless: bool = False


@dataclass(frozen=True)
class _Part:
    """Files whose outcome is known, in the batch's order, and what was computed for them."""

    seen: list[_Seen]
    vectors: dict[str, Vector]
    failed: dict[str, str]


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
        hashes: of files of this machine.
        timing: is told how long each stage works.
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
        self._fresh: set[str] = set()  # hashes embedded in this run, of images not counted yet

    def run(self, sources: Sources, track: Track, keep: Keep) -> Batch:
        """Make every readable file of the batch an image of the dataset, with an embedding.

        While files are read and decoded and the backbone works on them, what is done is recorded
        behind it, every few seconds. Killed at any moment, it has kept all but the last of these.

        Args:
            sources: the batch.
            track: shows how far it is.
            keep: is given the images of each part when they are recorded, in a thread.

        Raises:
            DataError: not one of the files can be read.
        """
        batch = Batch()
        line = _Line(self._embeddings, track(range(len(sources)), "infer", len(sources)))

        def record(part: _Part) -> None:
            images = self._record(part, batch, recorder.stop)
            line.recorded(part)
            keep(images)

        with Behind(record) as recorder:
            line.hand_to(recorder.give)
            files = line.files(self._timing.each(self._see_each(sources), "read"))
            for names, vectors, unreadable in self._embed(files):
                line.came(names, vectors, unreadable)
            line.end()
        _require_some(batch, len(sources))
        return batch

    def look(self, sources: Sources, track: Track, keep: Keep) -> Batch:
        """What :meth:`run` would do; nothing is decoded or written.

        So files that cannot be decoded count as images here, until a run has tried them.
        """
        batch = Batch()
        lacking: set[str] = set()
        part: list[Image] = []
        for seen in self._see_each(track(sources, "look", len(sources))):
            if seen.image is None:
                batch.unreadable[seen.source.name] = seen.failure
                continue
            batch.images += 1
            batch.uploaded += self._stored(seen.source, seen.image) is None
            if seen.data is not None:
                lacking.add(seen.image.sha256)
            part.append(seen.image)
            if len(part) == PART:
                keep(part)
                part = []
        keep(part)
        batch.embedded = len(lacking)
        return batch

    def embed_images(self, images: Iterable[Image], track: Track) -> dict[str, str]:
        """Embed images of the store that lack an embedding.

        Returns:
            Content hash -> reason, of those that cannot be read.
        """
        wanted = list(images)
        unknown = self._embeddings.missing(image.sha256 for image in wanted)
        lacking = [image for image in wanted if image.sha256 in unknown]
        unreadable: dict[str, str] = {}

        def files() -> Iterator[tuple[str, bytes]]:
            for image, data in read_images(self._store, track(lacking, "embed")):
                if isinstance(data, Lost):
                    unreadable[image.sha256] = str(data)
                else:
                    yield image.sha256, data

        vectors: dict[str, Vector] = {}
        since = time.monotonic()
        for _, new, failed in self._embed(files()):
            vectors |= new
            unreadable |= failed
            if time.monotonic() - since >= CHECKPOINT or len(vectors) >= PART:
                self._add(vectors)
                vectors, since = {}, time.monotonic()
        self._add(vectors)
        return unreadable

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

    # -- what a file is ----------------------------------------------------------------------------

    def _see_each(self, sources: Iterable[Source]) -> Iterator[_Seen]:
        asked = self._look_up(sources)
        for (source, embedded), stored in self._store.get_each(asked, self._unknown_key, _size):
            flaw = self._flaw(source)
            useless = bool(source.found and self._unshown(source))
            try:
                seen = (
                    _Seen(source, None, failure=flaw)
                    if flaw
                    else self._see(source, embedded, stored)
                )
            except (OSError, KeyError) as error:
                seen = _Seen(source, None, failure=_why(error))
            yield replace(seen, useless=useless) if useless else seen

    def _look_up(self, sources: Iterable[Source]) -> Iterator[tuple[Source, bool]]:
        """Each file, and whether its content is known to have an embedding; many at a time."""
        remaining = iter(sources)
        while part := list(islice(remaining, LOOKED_UP)):
            lacking = self._embeddings.missing(s.sha256 for s in part if s.sha256)
            for source in part:
                yield source, bool(source.sha256) and source.sha256 not in lacking

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

    def _unknown_key(self, asked: tuple[Source, bool]) -> str | None:
        """Key of what the store has, if it must be read to tell what the file is."""
        source, embedded = asked
        if source.found is None or self._flaw(source):
            return None
        if source.file:
            return None if source.held else source.key
        return None if embedded else source.key

    def _see(self, source: Source, embedded: bool, stored: bytes | KeyError | None) -> _Seen:
        """What a file is, given what the store has under its key, if that had to be read."""
        if isinstance(stored, KeyError):
            source = replace(source, found=None)  # it is gone since it was listed
        data = stored if isinstance(stored, bytes) else None
        sha256 = source.sha256
        if source.file:
            if sha256 and not embedded and (why := self._hashes.decode_error(sha256)):
                return _Seen(source, None, failure=why)
            if sha256 is None or not embedded:
                data = source.file.read_bytes()
                sha256 = content_hash(data)
            held = content_hash(stored) if isinstance(stored, bytes) else source.held
            image = place(source, sha256, held)
        elif data is not None:
            image = Image(source.key, content_hash(data))
        elif sha256 and stored is None:
            image = Image(source.key, sha256)
        else:
            raise KeyError(source.key)
        lacking = data is not None and image.sha256 not in self._embeddings
        if lacking and source.file and (why := self._hashes.decode_error(image.sha256)):
            return _Seen(source, None, failure=why)
        return _Seen(source, image, data if lacking else None)

    # -- keeping what was done ---------------------------------------------------------------------

    def _record(self, part: _Part, batch: Batch, stop: Event) -> list[Image]:
        """Keep embeddings, then images, then what the dataset knows of them."""
        with self._timing.stage("record"):
            self._add(part.vectors)
            kept, etags = self._put_each(part, batch, stop)
            there = (seen.source.found for seen in part.seen if not seen.source.file)
            sizes = {found.key: found.size for found in there if found}
            self._catalog.add((i for i in kept if i.key in etags), etags, sizes)
            self._hashes.note(
                (seen.source.state, seen.image.sha256)
                for seen in part.seen
                if seen.image and seen.source.state and not seen.source.sha256
            )
            self._hashes.note_decode_errors(
                {
                    seen.image.sha256: part.failed[seen.image.sha256]
                    for seen in part.seen
                    if seen.image and seen.source.file and _is_flaw(seen.image, part.failed)
                }
            )
            self._catalog.skip(
                seen.source.found
                for seen in part.seen
                if seen.source.found and (seen.useless or _is_junk(seen, part.failed))
            )
        batch.images += len(kept)
        # A file may be embedded, and then be gone when it is put into the store.
        self._fresh |= part.vectors.keys()
        embedded = self._fresh & {image.sha256 for image in kept}
        self._fresh -= embedded
        batch.embedded += len(embedded)
        return kept

    def _put_each(
        self, part: _Part, batch: Batch, stop: Event
    ) -> tuple[list[Image], dict[str, str]]:
        """Put what can be read into the store; returns it, with the etags of what is new there."""
        decoded: list[tuple[Source, Image]] = []
        missing: list[tuple[Source, Image]] = []
        for seen in part.seen:
            if seen.image and seen.image.sha256 not in part.failed:
                pair = (seen.source, seen.image)
                decoded.append(pair)
                if not _is_settled(*pair):
                    missing.append(pair)
            else:
                why = part.failed[seen.image.sha256] if seen.image else seen.failure
                batch.unreadable[seen.source.name] = why
        kept: list[Image] = []
        etags: dict[str, str] = {}
        writers = max(self._store.at_once, WRITERS)
        puts = prefetch(lambda pair: self._put(*pair), missing, writers)
        for source, image in decoded:
            if stop.is_set():
                raise Stopped
            put = _Put() if _is_settled(source, image) else next(puts)
            batch.uploaded += put.uploaded
            if put.failure:
                batch.unreadable[source.name] = put.failure
            else:
                kept.append(image)
                if put.etag:
                    etags[image.key] = put.etag
        return kept, etags

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


class _Line:
    """Files between being read and being recorded, in their order.

    Files are read in one thread, which may be the pipeline's; embeddings come in another, and a
    third records.

    Args:
        embeddings: that are known.
        progress: is asked for one item for each file whose outcome is known.
    """

    def __init__(self, embeddings: Embeddings, progress: Iterator[int]) -> None:
        self._embeddings = embeddings
        self._progress = progress
        self._lock = Lock()
        self._giving = Lock()  # parts are handed on in their order
        self._waiting: deque[_Seen] = deque()
        self._ready: list[_Seen] = []
        self._sent: set[str] = set()  # hashes whose embedding is being computed
        self._unrecorded: set[str] = set()  # hashes whose embedding is on the way to the store
        self._vectors: dict[str, Vector] = {}
        self._failed: dict[str, str] = {}
        self._since = time.monotonic()

    def hand_to(self, give: Callable[[_Part], None]) -> None:
        """Say who takes parts."""
        self._give = give

    def files(self, each: Iterable[_Seen]) -> Iterator[tuple[str, bytes]]:
        """Content hash and bytes of files that have to be embedded; the others wait in line."""
        for seen in each:
            sha256 = seen.image.sha256 if seen.image else ""
            with self._lock:
                known = sha256 in self._sent or sha256 in self._unrecorded
                lacking = seen.data is not None and not known and sha256 not in self._failed
                self._waiting.append(replace(seen, data=None) if seen.data else seen)
                if lacking:
                    self._sent.add(sha256)
            self._hand_on()
            if lacking and seen.data is not None:
                yield sha256, seen.data

    def came(self, names: list[str], vectors: dict[str, Vector], failed: dict[str, str]) -> None:
        """Take what became of some files."""
        with self._lock:
            self._sent.difference_update(names)
            self._unrecorded |= vectors.keys()
            self._vectors |= vectors
            self._failed |= failed
        self._hand_on()

    def recorded(self, part: _Part) -> None:
        """Take note that a part is in the store."""
        with self._lock:
            self._unrecorded -= part.vectors.keys()

    def end(self) -> None:
        """Hand on what is left."""
        self._hand_on(last=True)
        deque(self._progress, maxlen=0)

    def _hand_on(self, last: bool = False) -> None:
        with self._giving:
            with self._lock:  # not while somebody waits: who records needs it
                part = self._take(last)
            if part:
                self._give(part)

    def _take(self, last: bool) -> _Part | None:
        while self._waiting and not self._is_sent(self._waiting[0]):
            self._ready.append(self._waiting.popleft())
            next(self._progress, None)
        due = time.monotonic() - self._since >= CHECKPOINT
        if not self._ready or not (last or due or len(self._ready) >= PART):
            return None
        part = _Part(self._ready, self._vectors, self._failed)
        self._ready, self._vectors, self._since = [], {}, time.monotonic()
        return part

    def _is_sent(self, seen: _Seen) -> bool:
        return bool(seen.image and seen.image.sha256 in self._sent)


def _is_settled(source: Source, image: Image) -> bool:
    """Whether the store has an image, and the catalogue knows."""
    there = source.found is not None and source.found.key == image.key
    return there and source.held == image.sha256


def _is_flaw(image: Image, failed: Mapping[str, str]) -> bool:
    """Whether a content is no image: it would fail again, as it would not for want of memory."""
    return failed.get(image.sha256, "MemoryError") != "MemoryError"


def _is_junk(seen: _Seen, failed: dict[str, str]) -> bool:
    """Whether an object of the store is no image."""
    return bool(seen.image and seen.image.sha256 in failed and not seen.source.file)


def _require_some(batch: Batch, files: int) -> None:
    if files and not batch.images:
        name, reason = next(iter(batch.unreadable.items()))
        raise DataError(
            f"none of {counted(files, 'file')} can be read; {name}: {reason}",
            "Name a folder with images in it.",
        )


def _size(asked: tuple[Source, bool]) -> int | None:
    """Bytes of what the store has."""
    found = asked[0].found
    return found.size if found else None


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return "it is no longer in the store"
    return getattr(error, "strerror", None) or str(error)
