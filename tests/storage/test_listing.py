"""What a listing found, as against the catalogue: also where nothing of it fits into memory."""

from pathlib import Path

import pytest

from annolooop.domain.tasks import Image
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject
from annolooop.storage.images import ImageCatalog, series_of

KEYS = ["images/a.jpg", "images/b/a.jpg", "images/b/b.jpg", "images/b.jpg", "images/ü-猫.jpg"]


@pytest.fixture(params=[1000, 2])
def catalog(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ImageCatalog:
    """Of five images, read one by one or so."""
    monkeypatch.setattr("annolooop.storage.database.ROWS_IN_MEMORY", request.param)
    catalog = ImageCatalog(ArtifactStore(str(tmp_path)), "d")
    images = [Image(key, f"{n:064x}") for n, key in enumerate(KEYS)]
    catalog.add(images, dict.fromkeys(KEYS, "then"), dict.fromkeys(KEYS, 1))
    return catalog


def found(*keys: str, etag: str = "then") -> list[StoredObject]:
    return [StoredObject(key, 10, etag) for key in keys]


def test_catalogue_tells_images_by_key(catalog: ImageCatalog) -> None:
    assert [image.key for image in catalog.images()] == sorted(KEYS)
    assert catalog.get(KEYS[1]) == Image(KEYS[1], f"{1:064x}")
    assert catalog.get("images/none.jpg") is None


def test_listing_diff_tells_what_is_new_changed_and_gone(catalog: ImageCatalog) -> None:
    catalog.skip(found("images/no image.jpg", "images/mended.jpg"))
    unsorted = [
        *found(KEYS[4], "images/no image.jpg", KEYS[0]),
        *found(KEYS[3], "images/new.jpg", "images/mended.jpg", "images/\udcff.jpg", etag="now"),
    ]
    diff = catalog.listing_diff(unsorted)
    assert len(diff) == 7
    fresh = {item.stored.key: item.sha256 for item in diff.new_or_changed()}
    new = ["images/mended.jpg", "images/new.jpg", "images/\udcff.jpg"]
    assert fresh == dict.fromkeys(new) | {KEYS[3]: f"{3:064x}"}
    assert [(m.stored.key, m.same) for m in diff.images()] == [
        (KEYS[0], True),
        (KEYS[3], False),
        (KEYS[4], True),
    ]
    assert diff.image_totals() == (3, 30)
    assert diff.has_image(KEYS[0])
    assert not diff.has_image("images/new.jpg")
    assert not diff.has_image(KEYS[1])
    gone = diff.missing()
    assert (list(gone), len(gone), KEYS[1] in gone, KEYS[0] in gone) == (KEYS[1:3], 2, True, False)
    assert [list(diff.missing(p)) for p in (KEYS[1], "images/b", "images/a")] == [
        KEYS[1:2],
        KEYS[1:3],
        [],
    ]


def test_catalogue_reads_entries_with_and_without_a_size(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    series_of(store, "d").append({"images/a.jpg": ["hash", "1"], "images/x.jpg": ["", "1"]})
    ImageCatalog(store, "d").add([Image("images/b.jpg", "hash")], {}, {"images/b.jpg": 5})
    assert [image.key for image in ImageCatalog(store, "d").images()] == [
        "images/a.jpg",
        "images/b.jpg",
    ]
    assert ImageCatalog(store, "d").is_skipped(StoredObject("images/x.jpg", 7, "1"))
