"""The catalogue of a dataset: which keys of the store belong to it."""

from pathlib import Path

import pytest

from annolooop.domain.tasks import Image
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.images import ImageCatalog, is_image_name, series_of


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


def test_catalog_knows_images_until_they_change(store: ArtifactStore) -> None:
    store.put("images/a.jpg", b"1")
    found = store.info("images/a.jpg")
    ImageCatalog(store, "cats").add([Image("images/a.jpg", "hash")], {found.key: found.etag})
    catalog = ImageCatalog(store, "cats")
    assert catalog.known(found) == Image("images/a.jpg", "hash")
    assert list(catalog.images()) == [Image("images/a.jpg", "hash")]
    store.put("images/a.jpg", b"22")
    assert catalog.known(store.info("images/a.jpg")) is None


def test_catalog_writes_nothing_that_is_known(store: ArtifactStore) -> None:
    catalog = ImageCatalog(store, "cats")
    catalog.add([Image("images/a.jpg", "hash")], {"images/a.jpg": "tag"})
    catalog.add([Image("images/a.jpg", "hash")], {"images/a.jpg": "tag"})
    assert series_of(store, "cats").numbers() == [1]


def test_image_names_in_any_case() -> None:
    assert is_image_name("x/A.JPG")
    assert is_image_name("b.WebP")
    assert not is_image_name("labels.csv")
