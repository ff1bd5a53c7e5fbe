"""What `--batch` names: a folder, a file, a prefix of the store, or nothing that can be used."""

import os
from pathlib import Path

import pytest
from support.local_dataset import LocalDataset

from annolooop.domain.tasks import Image
from annolooop.errors import DataError, UsageError
from annolooop.loop.embed.batch import Listing, list_batch, place
from annolooop.loop.embed.sources import Source
from annolooop.storage.images import content_hash


def listed(dataset: LocalDataset, batch: str | None) -> Listing:
    return list_batch(batch, dataset.store, dataset.catalog, dataset.hashes)


def keys(listing: Listing) -> list[str]:
    return [source.key for source in listing.sources]


def test_folder_of_this_machine(dataset: LocalDataset) -> None:
    dataset.write(a=b"1")
    listing = listed(dataset, str(dataset.batch))
    assert (keys(listing), listing.folder) == (["images/b/a.jpg"], None)


def test_single_file_of_this_machine(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", b=b"2")
    assert keys(listed(dataset, str(dataset.batch / "b.jpg"))) == ["images/b/b.jpg"]


@pytest.mark.parametrize("batch", ["d", "images/d", "images/d/"])
def test_prefix_of_the_store_with_and_without_images(dataset: LocalDataset, batch: str) -> None:
    dataset.store.put("images/d/a.jpg", b"1")
    listing = listed(dataset, batch)
    assert (keys(listing), listing.folder) == (["images/d/a.jpg"], "images/d")


def test_folder_that_lies_in_the_store_is_used_where_it_is(dataset: LocalDataset) -> None:
    dataset.store.put("images/d/a.jpg", b"1")
    assert dataset.store.local_path
    assert keys(listed(dataset, str(dataset.store.local_path / "images" / "d"))) == [
        "images/d/a.jpg"
    ]


def test_folder_of_the_store_with_other_things_is_refused(dataset: LocalDataset) -> None:
    dataset.store.put("models/x.jpg", b"1")
    assert dataset.store.local_path
    with pytest.raises(UsageError, match="it is in the store, but not below"):
        listed(dataset, str(dataset.store.local_path / "models"))


def test_batch_that_is_nowhere_is_refused(dataset: LocalDataset) -> None:
    with pytest.raises(UsageError, match="no such folder here, and no such prefix in the store"):
        listed(dataset, "none")


def test_batch_that_is_mistyped_gets_the_close_name(
    dataset: LocalDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(UsageError, match=r"did you mean photos\?"):
        listed(dataset, "fotos/")
    dataset.catalog.add([Image("images/berries/a.jpg", "f" * 64)], {})
    with pytest.raises(UsageError, match=r"did you mean berries\?"):
        listed(dataset, "beries")


@pytest.mark.parametrize("batch", ["", " ", "/"])
def test_batch_without_a_name_is_refused(dataset: LocalDataset, batch: str) -> None:
    with pytest.raises(UsageError, match="names no folder of images"):
        listed(dataset, batch)


def test_address_of_another_store_says_how_to_use_that(dataset: LocalDataset) -> None:
    with pytest.raises(UsageError, match="is not in the store") as caught:
        listed(dataset, "s3://other/photos")
    assert caught.value.hint.endswith("store.url: s3://other")


def test_folder_without_images_is_an_error(dataset: LocalDataset) -> None:
    (dataset.batch / "notes.txt").touch()
    with pytest.raises(DataError, match="no image files in it"):
        listed(dataset, str(dataset.batch))


def test_no_batch_is_the_whole_dataset(dataset: LocalDataset) -> None:
    for name in "ab":
        dataset.store.put(f"images/d/{name}.jpg", name.encode())
    found = dataset.store.info("images/d/a.jpg")
    dataset.catalog.add([Image(found.key, content_hash(b"a"))], {found.key: found.etag})
    assert keys(listed(dataset, None)) == ["images/d/a.jpg"]


def test_no_batch_of_an_empty_dataset_asks_for_a_folder(dataset: LocalDataset) -> None:
    with pytest.raises(DataError, match="the dataset has no images yet"):
        listed(dataset, None)


def test_images_of_the_dataset_that_are_gone_are_named(dataset: LocalDataset) -> None:
    images = [Image(f"images/d/{name}.jpg", content_hash(name.encode())) for name in "ab"]
    for image, name in zip(images, "ab", strict=True):
        dataset.store.put(image.key, name.encode())
    dataset.catalog.add(images, {i.key: dataset.store.info(i.key).etag for i in images})
    dataset.store.delete("images/d/b.jpg")
    assert list(listed(dataset, None).vanished) == ["images/d/b.jpg"]


def test_dataset_whose_images_are_all_gone_is_an_error(dataset: LocalDataset) -> None:
    dataset.catalog.add([Image("images/d/a.jpg", "x")], {"images/d/a.jpg": "1"})
    with pytest.raises(DataError, match="all 1 images of the dataset are gone from the store"):
        listed(dataset, None)


def test_pipe_is_refused(dataset: LocalDataset) -> None:
    os.mkfifo(dataset.batch / "pipe")
    with pytest.raises(UsageError, match="is a pipe, a device or the like"):
        listed(dataset, str(dataset.batch / "pipe"))


@pytest.mark.parametrize(
    ("held", "key"),
    [
        (None, "images/b/a.jpg"),
        ("0123456789", "images/b/a.jpg"),
        ("other", "images/b/a-01234567.jpg"),
    ],
)
def test_file_gets_a_key_of_its_own_where_its_name_is_taken(held: str | None, key: str) -> None:
    source = Source("a.jpg", "images/b/a.jpg", Path("a.jpg"), None)
    assert place(source, "0123456789", held).key == key
