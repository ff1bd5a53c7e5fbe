"""How a listing differs from the catalogue, also where nothing of it fits into memory."""

from pathlib import Path

import pytest

from annolooop.domain.tasks import Image
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject
from annolooop.storage.images import ImageCatalog
from annolooop.storage.listing import ListingDiff

KEYS = ["images/a.jpg", "images/b/a.jpg", "images/b/b.jpg", "images/b.jpg", "images/ü-猫.jpg"]


@pytest.fixture(params=[1000, 2], ids=["in memory", "two rows in memory"])
def catalog(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ImageCatalog:
    """Five images."""
    monkeypatch.setattr("annolooop.storage.database.ROWS_IN_MEMORY", request.param)
    catalog = ImageCatalog(ArtifactStore(str(tmp_path)), "d")
    images = [Image(key, f"{n:064x}") for n, key in enumerate(KEYS)]
    catalog.add(images, dict.fromkeys(KEYS, "then"), dict.fromkeys(KEYS, 1))
    return catalog


def objects(*keys: str, etag: str = "then") -> list[StoredObject]:
    return [StoredObject(key, 10, etag) for key in keys]


@pytest.fixture
def diff(catalog: ImageCatalog) -> ListingDiff:
    """Of the five, one is changed and two are gone; of four others, one is skipped."""
    catalog.skip(objects("images/no image.jpg", "images/mended.jpg"))
    unsorted = [
        *objects(KEYS[4], "images/no image.jpg", KEYS[0]),
        *objects(KEYS[3], "images/new.jpg", "images/mended.jpg", "images/\udcff.jpg", etag="now"),
    ]
    return catalog.listing_diff(unsorted)


def test_all_objects_are_in_it_by_key(diff: ListingDiff) -> None:
    assert len(diff) == 7
    assert list(diff) == sorted(diff, key=lambda key: key.encode("utf-8", "surrogatepass"))
    assert "images/new.jpg" in diff
    assert KEYS[1] not in diff


def test_new_and_changed_objects_are_told_apart_by_their_hash(diff: ListingDiff) -> None:
    hashes = {one.stored.key: one.sha256 for one in diff.new_or_changed()}
    new = ["images/mended.jpg", "images/new.jpg", "images/\udcff.jpg"]
    assert hashes == dict.fromkeys(new) | {KEYS[3]: f"{3:064x}"}


def test_images_of_the_dataset_are_the_same_or_not(diff: ListingDiff) -> None:
    assert [(one.stored.key, one.same) for one in diff.images()] == [
        (KEYS[0], True),
        (KEYS[3], False),
        (KEYS[4], True),
    ]


def test_images_of_the_dataset_are_counted_with_their_bytes(diff: ListingDiff) -> None:
    assert diff.image_totals() == (3, 30)


def test_image_of_the_dataset_has_to_be_listed(diff: ListingDiff) -> None:
    assert diff.has_image(KEYS[0])
    assert not diff.has_image("images/new.jpg")
    assert not diff.has_image(KEYS[1])


def test_missing_images_are_a_collection_of_keys(diff: ListingDiff) -> None:
    missing = diff.missing()
    assert (list(missing), len(missing)) == (KEYS[1:3], 2)
    assert KEYS[1] in missing
    assert KEYS[0] not in missing


@pytest.mark.parametrize(
    ("prefix", "missing"),
    [(KEYS[1], KEYS[1:2]), ("images/b", KEYS[1:3]), ("images/a", [])],
)
def test_missing_images_below_a_prefix_or_at_it(
    diff: ListingDiff, prefix: str, missing: list[str]
) -> None:
    assert list(diff.missing(prefix)) == missing
