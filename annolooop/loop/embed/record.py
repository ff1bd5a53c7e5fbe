"""Record parts of a batch: embeddings, then images, then what the dataset knows of them."""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from threading import Event

from annolooop.domain.tasks import Image
from annolooop.loop.embed.files import BatchFile
from annolooop.loop.embed.ordered_buffer import FinishedFiles
from annolooop.loop.embed.put import put_images
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Vector
from annolooop.storage.file_hashes import FileHashes
from annolooop.storage.images import ImageCatalog


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


class Recorder:
    """Records the parts of one batch.

    Args:
        store: where images are kept.
        catalog: the dataset's images.
        hashes: of files of this machine.
        add_vectors: keeps embeddings.
        batch: is added to.
    """

    def __init__(
        self,
        store: ArtifactStore,
        catalog: ImageCatalog,
        hashes: FileHashes,
        add_vectors: Callable[[dict[str, Vector]], None],
        batch: Batch,
    ) -> None:
        self._store, self._catalog, self._hashes = store, catalog, hashes
        self._add_vectors, self._batch = add_vectors, batch
        self._fresh: set[str] = set()  # hashes embedded in this run, of images not counted yet

    def record(self, part: FinishedFiles, stop: Event) -> list[Image]:
        """Record a part. Returns the images that the store has now.

        Raises:
            Stopped: the flag was set.
        """
        self._add_vectors(part.vectors)
        copied = {file.image for file in part.files if file.copy and file.image}
        images, etags = self._put(part, stop, copied)
        there = (file.source.stored for file in part.files if not file.source.file)
        sizes = {stored.key: stored.size for stored in there if stored}
        new = (image for image in images if image.key in etags)
        self._catalog.add(new, etags, sizes, {image.key for image in copied})
        self._note_files(part)
        self._batch.images += len(images)
        # A file may be embedded, and then be gone when it is put into the store.
        self._fresh |= part.vectors.keys()
        embedded = self._fresh & {image.sha256 for image in images}
        self._fresh -= embedded
        self._batch.embedded += len(embedded)
        return images

    def _put(
        self, part: FinishedFiles, stop: Event, to_copy: Container[Image]
    ) -> tuple[list[Image], dict[str, str]]:
        """Put what can be read into the store; returns it, with the etags of what is new there."""
        decoded, unreadable = [], self._batch.unreadable
        for file in part.files:
            if file.image and file.image.sha256 not in part.undecodable:
                decoded.append((file.source, file.image))
            else:
                why = part.undecodable[file.image.sha256] if file.image else file.failure
                unreadable[file.source.name] = why
        images: list[Image] = []
        etags: dict[str, str] = {}
        for source, image, put in put_images(self._store, decoded, stop, to_copy):
            self._batch.uploaded += put.uploaded
            if put.failure:
                unreadable[source.name] = put.failure
                continue
            images.append(image)
            if put.etag:
                etags[image.key] = put.etag
        return images, etags

    def _note_files(self, part: FinishedFiles) -> None:
        """Note hashes of files, contents that are no images, and objects to skip from now on."""
        self._hashes.note(
            (file.source.state, file.image.sha256)
            for file in part.files
            if file.image and file.source.state and not file.source.sha256
        )
        self._hashes.note_decode_errors(
            {
                file.image.sha256: part.undecodable[file.image.sha256]
                for file in part.files
                if file.image and file.source.file and _is_no_image(file.image, part)
            }
        )
        self._catalog.skip(
            file.source.stored
            for file in part.files
            if file.source.stored and (file.skip or _is_stored_junk(file, part))
        )


def _is_no_image(image: Image, part: FinishedFiles) -> bool:
    """Whether decoding would fail again, as it would not for want of memory."""
    return part.undecodable.get(image.sha256, "MemoryError") != "MemoryError"


def _is_stored_junk(file: BatchFile, part: FinishedFiles) -> bool:
    """Whether an object of the store is no image."""
    return bool(file.image and not file.source.file and _is_no_image(file.image, part))
