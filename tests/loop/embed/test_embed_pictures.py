"""Images that browsers cannot show get copies; what is no image is counted, and is no work."""

import io

import pytest
from PIL import Image as Picture
from support.fake_backbone import UNDECODABLE
from support.local_dataset import LocalDataset

from annolooop.domain import picture_kinds
from annolooop.domain.progress import untracked
from annolooop.errors import DataError
from annolooop.loop.embed.batch import Listing, list_batch, name_counts
from annolooop.loop.embed.record import Batch
from annolooop.storage import images
from annolooop.storage.images import content_hash, copy_key


def encode(kind: str, shade: int = 0) -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", (20, 10), (shade, 0, 0)).save(out, kind)
    return out.getvalue()


@pytest.fixture
def without_heic(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package that reads HEIC is not installed."""
    monkeypatch.setattr(images, "_reads_heic", lambda: False)


def listing(dataset: LocalDataset, batch: str = "") -> Listing:
    name = batch or str(dataset.batch)
    return list_batch(name, dataset.store, dataset.catalog, dataset.hashes)


def run(dataset: LocalDataset, batch: str = "") -> Batch:
    return dataset.embedder().run(listing(dataset, batch).sources, untracked)


def shown(dataset: LocalDataset) -> dict[str, str]:
    return dataset.catalog.shown(list(dataset.catalog.images()))


def test_tiff_gets_a_copy_whatever_its_name_and_keeps_its_key(dataset: LocalDataset) -> None:
    tiff, png = encode("TIFF"), encode("PNG")
    dataset.write(scan=tiff, photo=png)  # both end in .jpg
    run(dataset)
    copy = copy_key(content_hash(tiff))
    assert shown(dataset) == {
        "images/b/scan.jpg": copy,
        "images/b/photo.jpg": "images/b/photo.jpg",
    }
    assert dataset.store.get("images/b/scan.jpg") == tiff
    assert Picture.open(io.BytesIO(dataset.store.get(copy))).format == "JPEG"


def test_tiff_that_lies_in_the_store_gets_a_copy(dataset: LocalDataset) -> None:
    dataset.store.put("images/scans/a.tif", encode("TIFF"))
    run(dataset, "scans")
    (copy,) = shown(dataset).values()
    assert Picture.open(io.BytesIO(dataset.store.get(copy))).size == (20, 10)


def test_tiff_whose_embedding_another_dataset_made_gets_a_copy_too(dataset: LocalDataset) -> None:
    tiff = encode("TIFF")
    (vectors,) = (e.vectors for e in dataset.pipeline.embed([(content_hash(tiff), tiff)]))
    dataset.embeddings.add(vectors, "fp32")
    dataset.write(scan=tiff)
    run(dataset)
    assert shown(dataset) == {"images/b/scan.jpg": copy_key(content_hash(tiff))}


def test_copies_are_no_images_of_a_batch(dataset: LocalDataset) -> None:
    dataset.write(scan=encode("TIFF"))
    run(dataset)
    found = listing(dataset, "images")
    assert ([s.key for s in found.sources], found.passed_over) == (["images/b/scan.jpg"], {})
    assert [image.key for image in dataset.catalog.images()] == ["images/b/scan.jpg"]


def test_image_that_replaces_a_tiff_is_shown_itself(dataset: LocalDataset) -> None:
    dataset.store.put("images/s/a.jpg", encode("TIFF"))
    run(dataset, "s")
    dataset.store.put("images/s/a.jpg", encode("PNG", 200))
    run(dataset, "s")
    assert shown(dataset) == {"images/s/a.jpg": "images/s/a.jpg"}


def test_files_of_other_names_are_counted_by_suffix(
    dataset: LocalDataset, without_heic: None
) -> None:
    dataset.write(a=encode("PNG"))
    for name in ("x.HEIC", "y.heic", "labels.csv", "README", ".hidden"):
        (dataset.batch / name).write_bytes(b"1")
    assert listing(dataset).passed_over == {".heic": 2, ".csv": 1, "": 1}


def test_objects_of_other_names_are_counted_by_suffix(
    dataset: LocalDataset, without_heic: None
) -> None:
    for name in ("a.jpg", "b.HEIC", "c.mp4"):
        dataset.store.put(f"images/s/{name}", b"1")
    assert listing(dataset, "s").passed_over == {".heic": 1, ".mp4": 1}


def test_folder_of_nothing_but_heic_says_what_to_install(
    dataset: LocalDataset, without_heic: None
) -> None:
    (dataset.batch / "x.heic").write_bytes(b"1")
    with pytest.raises(DataError, match=r"no image files in it; there are: 1 \.heic") as caught:
        listing(dataset)
    assert "annolooop[heic]" in caught.value.hint


def test_many_suffixes_are_summed_up() -> None:
    counts = {f".{letter}": number for number, letter in enumerate("abcdefgh", start=1)}
    assert name_counts(counts) == "8 .h, 7 .g, 6 .f, 5 .e, 4 .d, 3 .c, 3 others"
    assert name_counts({"": 2}) == "2 without a suffix"


def test_object_that_is_known_to_be_no_image_is_no_work(dataset: LocalDataset) -> None:
    dataset.store.put("images/s/a.jpg", b"1")
    dataset.store.put("images/s/junk.jpg", UNDECODABLE)
    run(dataset, "s")
    looked = dataset.embedder().look(listing(dataset, "s").sources, untracked, lambda part: None)
    assert (looked.images, looked.embedded) == (1, 0)
    assert looked.unreadable == {"images/s/junk.jpg": "a run found that it is no image"}


def test_object_that_was_no_image_and_changed_is_work_again(dataset: LocalDataset) -> None:
    dataset.store.put("images/s/a.jpg", b"1")
    dataset.store.put("images/s/junk.jpg", UNDECODABLE)
    run(dataset, "s")
    dataset.store.put("images/s/junk.jpg", b"22")
    looked = dataset.embedder().look(listing(dataset, "s").sources, untracked, lambda part: None)
    assert (looked.images, looked.embedded) == (2, 1)


def test_file_of_too_many_bytes_is_not_read(
    dataset: LocalDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_kinds, "MOST_BYTES", 5)
    dataset.write(a=b"1", b=b"more than that")
    done = run(dataset)
    assert done.images == 1
    (reason,) = done.unreadable.values()
    assert reason.startswith("too large")
