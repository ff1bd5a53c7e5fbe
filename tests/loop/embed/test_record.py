"""What the dataset knows once a part of a batch is recorded."""

from threading import Event
from typing import Any

import numpy as np
import pytest
from support.local_dataset import LocalDataset

from annolooop.domain.tasks import Image
from annolooop.errors import Stopped
from annolooop.loop.embed.files import BatchFile
from annolooop.loop.embed.ordered_buffer import FinishedFiles
from annolooop.loop.embed.record import Batch, Recorder
from annolooop.loop.embed.sources import Source
from annolooop.storage.images import content_hash


class Recording:
    """A recorder, and what it did."""

    def __init__(self, dataset: LocalDataset) -> None:
        self.dataset, self.batch = dataset, Batch()
        self.vectors: list[str] = []
        self._recorder = Recorder(
            dataset.store, dataset.catalog, dataset.hashes, self.vectors.extend, self.batch
        )

    def record(self, *files: BatchFile, undecodable: Any = None, stop: bool = False) -> list[Image]:
        vector = np.zeros(2, np.float32)
        hashes = [file.image.sha256 for file in files if file.image]
        flag = Event()
        if stop:
            flag.set()
        part = FinishedFiles(list(files), dict.fromkeys(hashes, vector), undecodable or {})
        return self._recorder.record(part, flag)


@pytest.fixture
def recording(dataset: LocalDataset) -> Recording:
    return Recording(dataset)


def local(recording: Recording, name: str, data: bytes, there: bool = True) -> BatchFile:
    if there:
        recording.dataset.write(**{name: data})
    key = f"images/b/{name}.jpg"
    source = Source(name, key, recording.dataset.batch / f"{name}.jpg", None)
    return BatchFile(source, Image(key, content_hash(data)))


def test_images_are_in_the_store_and_in_the_catalog(recording: Recording) -> None:
    images = recording.record(local(recording, "a", b"1"), local(recording, "b", b"2"))
    assert [image.key for image in images] == ["images/b/a.jpg", "images/b/b.jpg"]
    assert list(recording.dataset.catalog.images()) == images
    assert (recording.batch.images, recording.batch.uploaded) == (2, 2)


def test_embeddings_are_kept_before_the_images(recording: Recording) -> None:
    with pytest.raises(Stopped):
        recording.record(local(recording, "a", b"1"), stop=True)
    assert recording.vectors == [content_hash(b"1")]
    assert len(recording.dataset.catalog) == 0


def test_file_that_is_gone_counts_as_unreadable_and_not_as_embedded(recording: Recording) -> None:
    recording.record(local(recording, "a", b"1"), local(recording, "gone", b"2", there=False))
    assert (recording.batch.images, recording.batch.embedded) == (1, 1)
    assert recording.batch.unreadable == {"gone": "No such file or directory"}


def test_embedding_counts_once_its_image_is_there(recording: Recording) -> None:
    """The image may come in a later part, as another file of the same content."""
    recording.record(local(recording, "gone", b"1", there=False))
    recording.record(local(recording, "a", b"1"))
    assert recording.batch.embedded == 1


def test_reason_why_a_file_is_no_image_is_kept_for_later_runs(recording: Recording) -> None:
    sha256 = content_hash(b"no image")
    recording.record(local(recording, "a", b"no image"), undecodable={sha256: "it is cut off"})
    assert recording.dataset.hashes.decode_error(sha256) == "it is cut off"
    assert recording.batch.unreadable == {"a": "it is cut off"}


def test_want_of_memory_is_not_kept_as_a_reason(recording: Recording) -> None:
    sha256 = content_hash(b"large")
    recording.record(local(recording, "a", b"large"), undecodable={sha256: "MemoryError"})
    assert recording.dataset.hashes.decode_error(sha256) is None


def test_object_of_the_store_that_is_no_image_is_skipped(recording: Recording) -> None:
    store = recording.dataset.store
    store.put("images/d/a.jpg", b"no image")
    found, sha256 = store.info("images/d/a.jpg"), content_hash(b"no image")
    file = BatchFile(Source("a", found.key, None, found), Image(found.key, sha256))
    recording.record(file, undecodable={sha256: "it is no image"})
    assert recording.dataset.catalog.is_skipped(found)
