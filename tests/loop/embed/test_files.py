"""What a file of a batch is: by its name, its content, and what is known already."""

from pathlib import Path
from typing import Any

import pytest
from support.fake_backbone import UNDECODABLE
from support.local_dataset import LocalDataset

from annolooop.loop.embed.files import BatchFile, FileReader
from annolooop.loop.embed.sources import Source
from annolooop.storage.images import content_hash


def read(dataset: LocalDataset, *sources: Source) -> list[BatchFile]:
    return list(FileReader(dataset.store, dataset.embeddings, dataset.hashes).read(sources))


def local(dataset: LocalDataset, name: str, **known: Any) -> Source:
    return Source(name, f"images/b/{name}", dataset.batch / name, None, **known)


def stored(dataset: LocalDataset, key: str, **known: Any) -> Source:
    return Source(key, key, None, dataset.store.info(key), **known)


def test_file_of_this_machine_comes_with_its_bytes(dataset: LocalDataset) -> None:
    dataset.write(a=b"1")
    (file,) = read(dataset, local(dataset, "a.jpg"))
    assert file.image
    assert (file.image.key, file.image.sha256) == ("images/b/a.jpg", content_hash(b"1"))
    assert file.data == b"1"


def test_file_whose_embedding_is_known_is_not_read(dataset: LocalDataset) -> None:
    sha256 = content_hash(b"1")
    vector = next(iter(dataset.pipeline.embed([(sha256, b"1")]))).vectors
    dataset.embeddings.add(vector, "fp32")
    (file,) = read(dataset, local(dataset, "not there.jpg", sha256=sha256))
    assert (file.failure, file.data) == ("", None)


def test_object_of_the_store_is_read_where_its_hash_is_not_known(dataset: LocalDataset) -> None:
    dataset.store.put("images/d/a.jpg", b"1")
    (file,) = read(dataset, stored(dataset, "images/d/a.jpg"))
    assert file.image
    assert (file.image.sha256, file.data) == (content_hash(b"1"), b"1")


def test_object_that_is_gone_since_the_listing_is_a_failure(dataset: LocalDataset) -> None:
    dataset.store.put("images/d/a.jpg", b"1")
    source = stored(dataset, "images/d/a.jpg")
    dataset.store.delete("images/d/a.jpg")
    (file,) = read(dataset, source)
    assert (file.image, file.failure) == (None, "it is no longer in the store")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("images/b//a.jpg", "its name has an empty part"),
        ("images/b/../a.jpg", "its name has an empty part"),
        ("images/b/a?.jpg", "it cannot be shown"),
        ("images/b/\udcff.jpg", "its name is not valid UTF-8"),
    ],
)
def test_file_that_could_not_be_shown_by_its_name_is_a_failure(
    dataset: LocalDataset, key: str, reason: str
) -> None:
    (file,) = read(dataset, Source("a", key, dataset.batch / "a.jpg", None))
    assert file.image is None
    assert file.failure.startswith(reason)


def test_file_that_cannot_be_read_is_a_failure(dataset: LocalDataset) -> None:
    (file,) = read(dataset, local(dataset, "gone.jpg"))
    assert file.failure == "No such file or directory"


def test_content_that_could_not_be_decoded_before_is_not_tried_again(
    dataset: LocalDataset, tmp_path: Path
) -> None:
    dataset.write(bad=UNDECODABLE)
    dataset.hashes.note_decode_errors({content_hash(UNDECODABLE): "it is no image"})
    (file,) = read(dataset, local(dataset, "bad.jpg"))
    assert (file.image, file.failure, file.data) == (None, "it is no image", None)
