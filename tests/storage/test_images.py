"""The catalogue of a dataset: which keys of the store belong to it."""

from pathlib import Path

import pytest

from annolooop.domain.tasks import Image
from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject
from annolooop.storage.images import (
    ImageCatalog,
    Lost,
    content_hash,
    is_image_name,
    place_of,
    read_image,
    series_of,
)

HASH = "f" * 64


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


def test_catalog_knows_images_until_they_change(store: ArtifactStore) -> None:
    store.put("images/a.jpg", b"1")
    found = store.info("images/a.jpg")
    ImageCatalog(store, "cats").add([Image("images/a.jpg", HASH)], {found.key: found.etag})
    catalog = ImageCatalog(store, "cats")
    assert catalog.known(found) == Image("images/a.jpg", HASH)
    assert list(catalog.images()) == [Image("images/a.jpg", HASH)]
    store.put("images/a.jpg", b"22")
    assert catalog.known(store.info("images/a.jpg")) is None


def test_catalog_writes_nothing_that_is_known(store: ArtifactStore) -> None:
    catalog = ImageCatalog(store, "cats")
    catalog.add([Image("images/a.jpg", HASH)], {"images/a.jpg": "tag"})
    catalog.add([Image("images/a.jpg", HASH)], {"images/a.jpg": "tag"})
    assert series_of(store, "cats").numbers() == [1]


def test_image_names_in_any_case() -> None:
    assert is_image_name("x/A.JPG")
    assert is_image_name("b.WebP")
    assert not is_image_name("labels.csv")


def test_images_come_by_key(store: ArtifactStore) -> None:
    catalog = ImageCatalog(store, "cats")
    keys = ["images/b.jpg", "images/b/a.jpg", "images/ü-猫.jpg", "images/a.jpg"]
    catalog.add([Image(key, HASH) for key in keys], {})
    assert [image.key for image in catalog.images()] == sorted(keys)
    assert catalog.get("images/b.jpg") == Image("images/b.jpg", HASH)
    assert catalog.get("images/none.jpg") is None


def test_catalogue_reads_entries_with_and_without_a_size(store: ArtifactStore) -> None:
    series_of(store, "d").append({"images/a.jpg": [HASH, "1"], "images/x.jpg": ["", "1"]})
    ImageCatalog(store, "d").add([Image("images/b.jpg", HASH)], {}, {"images/b.jpg": 5})
    catalog = ImageCatalog(store, "d")
    assert [image.key for image in catalog.images()] == ["images/a.jpg", "images/b.jpg"]
    assert catalog.is_skipped(StoredObject("images/x.jpg", 7, "1"))


def test_object_that_was_skipped_is_tried_again_when_it_changes(store: ArtifactStore) -> None:
    catalog = ImageCatalog(store, "cats")
    catalog.skip([StoredObject("images/x.jpg", 7, "then")])
    assert catalog.is_skipped(StoredObject("images/x.jpg", 7, "then"))
    assert not catalog.is_skipped(StoredObject("images/x.jpg", 7, "now"))


def test_contents_under_several_keys_are_copies(store: ArtifactStore) -> None:
    catalog = ImageCatalog(store, "cats")
    images = [Image(f"images/{key}.jpg", sha256) for key, sha256 in zip("cab", "xxy", strict=True)]
    catalog.add(images, {})
    assert catalog.copies() == {"x": ["images/a.jpg", "images/c.jpg"]}


def test_image_is_read_only_as_it_was_hashed(store: ArtifactStore) -> None:
    store.put("images/a.jpg", b"1")
    image = Image("images/a.jpg", content_hash(b"1"))
    assert read_image(store, image) == b"1"
    store.put("images/a.jpg", b"2")
    with pytest.raises(Lost, match="another picture"):
        read_image(store, image)
    store.delete("images/a.jpg")
    with pytest.raises(Lost, match="no longer in the store"):
        read_image(store, image)


def test_folders_outside_of_images_are_places_of_the_dataset(store: ArtifactStore) -> None:
    catalog = ImageCatalog(store, "cats")
    catalog.add([Image("photos/2024/a.jpg", HASH), Image("images/b/c.jpg", HASH)], {})
    catalog.watch("more")
    catalog.watch("more/below")  # is watched already
    assert catalog.places() == {"photos/2024", "images/b", "more"}
    assert ImageCatalog(store, "cats").places() == catalog.places()


def test_each_place_is_listed_once(store: ArtifactStore) -> None:
    for key in ("images/b/c.jpg", "images/d.jpg", "photos/a.jpg", "photos/b/c.jpg", "other/x.jpg"):
        store.put(key, b"1")
    catalog = ImageCatalog(store, "cats")
    catalog.add([Image("images/b/c.jpg", "h"), Image("photos/b/c.jpg", "h")], {})
    catalog.watch("photos")
    assert [item.key for item in catalog.listing()] == [
        "images/b/c.jpg",
        "images/d.jpg",
        "photos/a.jpg",
        "photos/b/c.jpg",
    ]


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("a/b/c.jpg", "a"),
        ("b/c.jpg", None),
        ("d/e/f/g.jpg", "d/e"),
        ("datasets/a/b.jpg", None),
    ],
)
def test_outermost_place_holds_a_key(key: str, place: str | None) -> None:
    assert place_of(key, {"a", "a/b", "d/e", "d/e/f", "datasets"}) == place


@pytest.mark.parametrize("body", [b"", b"{}", b"5", b'"../x"'])
def test_damaged_note_of_a_folder_is_passed_over(store: ArtifactStore, body: bytes) -> None:
    ImageCatalog(store, "cats").watch("photos")
    store.put("datasets/cats/folders/000001.json", body)
    catalog = ImageCatalog(store, "cats")
    assert catalog.places() == frozenset()
    catalog.watch("photos")
    assert ImageCatalog(store, "cats").places() == {"photos"}


@pytest.mark.parametrize(
    "body",
    [b"[]", b'{"images/a.jpg": 5}', b'{"images/a.jpg": []}', b'{"images/a.jpg": ["x", "1"]}',
     b'{"images/a.jpg": ["", "1", 2e9]}', b'{"../a.jpg": ["", "1"]}',
     b'{"images/a.jpg": ["%s", "1", 99999999999999999999]}' % HASH.encode()],
)  # fmt: skip
def test_damaged_record_of_the_catalogue_is_named(store: ArtifactStore, body: bytes) -> None:
    store.put("datasets/cats/images/000001.json", body)
    with pytest.raises(DataError, match=r"datasets/cats/images/000001\.json in .* is damaged"):
        ImageCatalog(store, "cats")
