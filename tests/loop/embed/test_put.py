"""Images of a batch are put into the store, each once, and what goes wrong is said."""

from threading import Event
from typing import Any

import pytest
from support.local_dataset import LocalDataset

from annolooop.domain.tasks import Image
from annolooop.errors import Stopped
from annolooop.loop.embed.put import Put, put_images
from annolooop.loop.embed.sources import Source
from annolooop.storage.images import content_hash


def pair(dataset: LocalDataset, name: str, data: bytes, **known: Any) -> tuple[Source, Image]:
    key = f"images/b/{name}.jpg"
    source = Source(name, key, dataset.batch / f"{name}.jpg", None)
    return (Source(**{**vars(source), **known}), Image(key, content_hash(data)))


def put(dataset: LocalDataset, *pairs: tuple[Source, Image]) -> list[Put]:
    return [one for _, _, one in put_images(dataset.store, pairs, Event())]


def test_new_image_is_uploaded(dataset: LocalDataset) -> None:
    dataset.write(a=b"1")
    (one,) = put(dataset, pair(dataset, "a", b"1"))
    assert (one.uploaded, one.failure) == (True, None)
    assert one.etag == dataset.store.info("images/b/a.jpg").etag


def test_image_that_the_catalog_knows_costs_no_request(dataset: LocalDataset) -> None:
    dataset.store.put("images/b/a.jpg", b"1")
    found = dataset.store.info("images/b/a.jpg")
    known = pair(dataset, "a", b"1", stored=found, held=content_hash(b"1"))
    dataset.store.delete("images/b/a.jpg")
    assert put(dataset, known) == [Put()]


def test_file_that_is_gone_is_a_failure_and_the_others_go_on(dataset: LocalDataset) -> None:
    dataset.write(a=b"1")
    gone, done = put(dataset, pair(dataset, "gone", b"2"), pair(dataset, "a", b"1"))
    assert (gone.failure, done.uploaded) == ("No such file or directory", True)


def test_file_that_changed_since_it_was_read_is_a_failure(dataset: LocalDataset) -> None:
    dataset.write(a=b"other")
    (one,) = put(dataset, pair(dataset, "a", b"1"))
    assert one.failure == "it changed while it was read"
    assert not dataset.store.exists("images/b/a.jpg")


def test_image_of_someone_else_under_the_key_is_never_overwritten(dataset: LocalDataset) -> None:
    dataset.write(a=b"1")
    dataset.store.put("images/b/a.jpg", b"theirs")
    (one,) = put(dataset, pair(dataset, "a", b"1"))
    assert one.failure
    assert one.failure.startswith("another image was put under its key just now")
    assert dataset.store.get("images/b/a.jpg") == b"theirs"


def test_same_image_that_someone_else_put_meanwhile_is_fine(dataset: LocalDataset) -> None:
    dataset.write(a=b"1")
    dataset.store.put("images/b/a.jpg", b"1")
    (one,) = put(dataset, pair(dataset, "a", b"1"))
    assert (one.uploaded, one.failure) == (False, None)


def test_flag_ends_it_between_two_images(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", b=b"2")
    stop = Event()
    puts = put_images(
        dataset.store, [pair(dataset, n, d) for n, d in (("a", b"1"), ("b", b"2"))], stop
    )
    next(puts)
    stop.set()
    with pytest.raises(Stopped):
        next(puts)
