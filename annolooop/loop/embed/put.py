"""Put the images of a batch into the store, several at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Event

from annolooop.domain.tasks import Image
from annolooop.errors import Stopped
from annolooop.loop.embed.files import why_unreadable
from annolooop.loop.embed.sources import Source
from annolooop.storage.artifacts.prefetch import prefetch
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.images import content_hash

WRITES_AT_ONCE = 8  # at least: a disk takes the same time to flush several


@dataclass(frozen=True)
class Put:
    """An image in the store: its etag there where the catalog does not know it, or a failure."""

    etag: str = ""
    uploaded: bool = False
    failure: str | None = None


def put_images(
    store: ArtifactStore, images: Iterable[tuple[Source, Image]], stop: Event
) -> Iterator[tuple[Source, Image, Put]]:
    """Put images into the store, in their order.

    Args:
        store: where they are kept.
        images: with the file that each one comes from.
        stop: ends it early.

    Raises:
        Stopped: the flag was set.
    """
    pairs = list(images)
    missing = [pair for pair in pairs if not _is_known(*pair)]
    writes = max(store.at_once, WRITES_AT_ONCE)
    puts = prefetch(lambda pair: _put(store, *pair), missing, writes)
    for source, image in pairs:
        if stop.is_set():
            raise Stopped
        yield source, image, Put() if _is_known(source, image) else next(puts)


def stored_etag(store: ArtifactStore, source: Source, image: Image) -> str | None:
    """Etag of an image that is in the store already."""
    if source.stored is None:
        return None
    if source.stored.key == image.key:
        return source.stored.etag
    try:
        return store.info(image.key).etag
    except KeyError:
        return None


def _is_known(source: Source, image: Image) -> bool:
    """Whether the store has an image, and the catalog knows."""
    there = source.stored is not None and source.stored.key == image.key
    return there and source.held == image.sha256


def _put(store: ArtifactStore, source: Source, image: Image) -> Put:
    etag = stored_etag(store, source, image)
    if etag is not None or source.file is None:
        return Put(etag or "")
    try:
        data = source.file.read_bytes()
    except OSError as error:
        return Put(failure=why_unreadable(error))
    if content_hash(data) != image.sha256:
        return Put(failure="it changed while it was read")
    uploaded = store.put_new(image.key, data)
    try:
        if not uploaded and content_hash(store.get(image.key)) != image.sha256:
            return Put(
                failure="another image was put under its key just now; type the command again"
            )
        return Put(store.info(image.key).etag, uploaded)
    except KeyError as error:
        return Put(failure=why_unreadable(error))
