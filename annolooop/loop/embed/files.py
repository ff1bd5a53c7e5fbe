"""What the files of a batch are: which image each one is, and whether it has an embedding."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from annolooop.domain.picture_kinds import HEAD, needs_copy, too_large
from annolooop.domain.tasks import Image
from annolooop.loop.embed.batch import place
from annolooop.loop.embed.sources import Source
from annolooop.storage.artifacts.store import ArtifactStore, is_key
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.file_hashes import FileHashes
from annolooop.storage.images import content_hash

FILES_PER_LOOKUP = 256  # whose embeddings are looked for at a time


@dataclass(frozen=True)
class BatchFile:
    """A file of a batch, and what it is.

    Attributes:
        source: the file.
        image: of the dataset, or to become one; ``None`` where that is not known.
        data: its bytes, where it has no embedding yet.
        copy: people need a copy of it, which browsers can show, and the catalogue has none yet.
        failure: why it is no image.
        skip: it cannot be shown to anybody, or not be read: not to be tried again.
    """

    source: Source
    image: Image | None
    data: bytes | None = None
    copy: bool = False
    failure: str = ""
    skip: bool = False


class FileReader:
    """Reads and hashes the files of a batch, as far as that is needed to know what they are.

    Args:
        store: where images are kept.
        embeddings: that are known.
        hashes: of files of this machine that were read before.
    """

    def __init__(self, store: ArtifactStore, embeddings: Embeddings, hashes: FileHashes) -> None:
        self._store, self._embeddings, self._hashes = store, embeddings, hashes

    def read(self, sources: Iterable[Source]) -> Iterator[BatchFile]:
        """What each file is, in their order."""
        pairs = self._look_up(sources)
        for (source, embedded), content in self._store.get_each(pairs, self._key_to_read, _size):
            refused = self._why_refused(source)
            skip = bool(source.stored and self._why_unshown(source))
            try:
                file = (
                    BatchFile(source, None, failure=refused)
                    if refused
                    else self._identify(source, embedded, content)
                )
            except (OSError, KeyError) as error:
                file = BatchFile(source, None, failure=why_unreadable(error))
            yield replace(file, skip=skip) if skip else file

    def _look_up(self, sources: Iterable[Source]) -> Iterator[tuple[Source, bool]]:
        """Each file, and whether its content is known to have an embedding; many at a time."""
        remaining = iter(sources)
        while part := list(islice(remaining, FILES_PER_LOOKUP)):
            missing = self._embeddings.missing(s.sha256 for s in part if s.sha256)
            for source in part:
                yield source, bool(source.sha256) and source.sha256 not in missing

    def _why_refused(self, source: Source) -> str | None:
        """Why it is not read, by its name and size."""
        try:
            source.key.encode()
        except UnicodeEncodeError:  # a name that is not text cannot be a key
            return "its name is not valid UTF-8"
        return self._why_unshown(source) or too_large(source.size)

    def _why_unshown(self, source: Source) -> str | None:
        """Why Label Studio cannot show it, because of its name."""
        if not is_key(source.key):
            return "its name has an empty part between slashes, or . or .. as one"
        reasons = (why for odd, why in self._store.unshown.items() if odd in source.key)
        return next(reasons, None)

    def _key_to_read(self, pair: tuple[Source, bool]) -> str | None:
        """Key of what the store has, if it must be read to know what the file is."""
        source, embedded = pair
        if source.stored is None or self._why_refused(source):
            return None
        if source.file:
            return None if source.held else source.key
        return None if embedded else source.key

    def _identify(
        self, source: Source, embedded: bool, content: bytes | KeyError | None
    ) -> BatchFile:
        """What a file is, with what the store has under its key, if that had to be read."""
        if isinstance(content, KeyError):
            source = replace(source, stored=None)  # it is gone since it was listed
        data = content if isinstance(content, bytes) else None
        sha256 = source.sha256
        if source.file:
            if sha256 and not embedded and (why := self._hashes.decode_error(sha256)):
                return BatchFile(source, None, failure=why)
            if sha256 is None or not embedded:
                data = source.file.read_bytes()
                sha256 = content_hash(data)
            held = content_hash(content) if isinstance(content, bytes) else source.held
            image = place(source, sha256, held)
        elif data is not None:
            image = Image(source.key, content_hash(data))
        elif sha256 and content is None:
            image = Image(source.key, sha256)
        else:
            raise KeyError(source.key)
        missing = data is not None and image.sha256 not in self._embeddings
        if missing and source.file and (why := self._hashes.decode_error(image.sha256)):
            return BatchFile(source, None, failure=why)
        copy = not source.is_known(image) and needs_copy(data or _head(source))
        return BatchFile(source, image, data if missing else None, copy)


def _head(source: Source) -> bytes:
    """The first bytes of a file of this machine."""
    if source.file is None:
        return b""
    with suppress(OSError), source.file.open("rb") as file:
        return file.read(HEAD)
    return b""  # why it cannot be read is found out when it is put into the store


def why_unreadable(error: Exception) -> str:
    """The reason in words, of a file or an object that could not be read."""
    if isinstance(error, KeyError):
        return "it is no longer in the store"
    return getattr(error, "strerror", None) or str(error)


def _size(pair: tuple[Source, bool]) -> int | None:
    """Bytes of what the store has."""
    stored = pair[0].stored
    return stored.size if stored else None
