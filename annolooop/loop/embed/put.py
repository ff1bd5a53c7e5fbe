"""Put the images of a batch into the store, several at a time."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from threading import Event

from annolooop.domain.tasks import Image
from annolooop.errors import Stopped
from annolooop.loop.embed.files import why_unreadable
from annolooop.loop.embed.sources import Source
from annolooop.storage.artifacts.prefetch import prefetch
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.images import Lost, content_hash, put_copy, read_image

WRITES_AT_ONCE = 8  # at least: a disk takes the same time to flush several


@dataclass(frozen=True)
class Put:
    """An image in the store: its etag there where the catalog does not know it, or a failure."""

    etag: str = ""
    uploaded: bool = False
    failure: str | None = None


def put_images(
    store: ArtifactStore,
    images: Iterable[tuple[Source, Image]],
    stop: Event,
    to_copy: Container[Image] = (),
) -> Iterator[tuple[Source, Image, Put]]:
    """Put images into the store, in their order.

    Args:
        store: where they are kept.
        images: with the file that each one comes from.
        stop: ends it early.
        to_copy: images of which people need a copy that browsers can show.

    Raises:
        Stopped: the flag was set.
    """
    pairs = list(images)
    missing = [pair for pair in pairs if not pair[0].is_known(pair[1])]
    writes = max(store.at_once, WRITES_AT_ONCE)
    puts = prefetch(lambda pair: _put(store, *pair, pair[1] in to_copy), missing, writes)
    for source, image in pairs:
        if stop.is_set():
            raise Stopped
        yield source, image, Put() if source.is_known(image) else next(puts)


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


def _put(store: ArtifactStore, source: Source, image: Image, copy: bool) -> Put:
    from annolooop.model.picture import Unreadable, viewable_copy

    put = _put_image(store, source, image)
    if put.failure or not copy:
        return put
    try:
        put_copy(store, image.sha256, lambda: viewable_copy(read_image(store, image)))
    except (Unreadable, Lost) as error:
        return Put(failure=str(error))
    return put


def _put_image(store: ArtifactStore, source: Source, image: Image) -> Put:
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
