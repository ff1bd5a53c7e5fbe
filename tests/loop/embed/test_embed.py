"""A batch becomes part of the dataset: what is kept, counted, left out, done once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.fake_backbone import UNDECODABLE
from support.local_dataset import LocalDataset

from annolooop.domain.progress import untracked
from annolooop.domain.tasks import Image
from annolooop.errors import DataError
from annolooop.loop.embed import ordered_buffer
from annolooop.loop.embed.batch import list_batch
from annolooop.loop.embed.record import Batch
from annolooop.loop.embed.stages import Stage
from annolooop.storage.images import content_hash


def run(dataset: LocalDataset, stages: Sequence[Stage] = (), batch: str | None = "") -> Batch:
    name = str(dataset.batch) if batch == "" else batch
    listing = list_batch(name, dataset.store, dataset.catalog, dataset.hashes)
    return dataset.embedder().run(listing.sources, untracked, stages)


def test_files_become_images_with_embeddings(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", b=b"2", c=b"3")
    done = run(dataset)
    assert (done.images, done.embedded, done.uploaded, done.unreadable) == (3, 3, 3, {})
    assert [image.key for image in dataset.catalog.images()] == [
        f"images/b/{name}.jpg" for name in "abc"
    ]
    assert dataset.store.get("images/b/b.jpg") == b"2"
    assert all(content_hash(data) in dataset.embeddings for data in (b"1", b"2", b"3"))


def test_second_run_does_nothing_and_opens_no_backbone(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", b=b"2")
    run(dataset)
    again = run(dataset)
    assert (again.images, again.embedded, again.uploaded) == (2, 0, 0)
    assert dataset.opened == 1


def test_same_content_is_embedded_once(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", b=b"2", c=b"1", d=b"1")
    done = run(dataset)
    assert (done.images, done.embedded) == (4, 2)
    assert len(dataset.pipeline.embedded) == 2


def test_same_content_is_embedded_once_where_parts_are_recorded_between(
    dataset: LocalDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_buffer, "SECONDS_PER_PART", 0.0)
    dataset.write(**{f"f{n:02}": b"%d" % (n % 3) for n in range(30)})
    assert run(dataset).embedded == 3
    assert len(dataset.pipeline.embedded) == 3


def test_file_that_is_no_image_is_named_and_not_decoded_again(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", bad=UNDECODABLE)
    first, again = run(dataset), run(dataset)
    name = str(dataset.batch / "bad.jpg")
    assert first.unreadable == again.unreadable == {name: "it is no image"}
    assert dataset.pipeline.embedded.count(content_hash(UNDECODABLE)) == 1
    assert not dataset.store.exists("images/b/bad.jpg")


def test_object_of_the_store_that_is_no_image_is_skipped_from_then_on(
    dataset: LocalDataset,
) -> None:
    dataset.store.put("images/d/a.jpg", b"1")
    dataset.store.put("images/d/bad.jpg", UNDECODABLE)
    run(dataset, batch="d")
    assert dataset.catalog.is_skipped(dataset.store.info("images/d/bad.jpg"))


def test_batch_of_which_nothing_can_be_read_is_an_error(dataset: LocalDataset) -> None:
    dataset.write(bad=UNDECODABLE)
    with pytest.raises(DataError, match=r"none of 1 file can be read; .*bad.jpg: it is no image"):
        run(dataset)


def test_file_of_another_content_gets_a_key_of_its_own(dataset: LocalDataset) -> None:
    dataset.store.put("images/b/a.jpg", b"theirs")
    dataset.write(a=b"1")
    run(dataset)
    assert dataset.store.get("images/b/a.jpg") == b"theirs"
    assert dataset.store.get(f"images/b/a-{content_hash(b'1')[:8]}.jpg") == b"1"


def test_images_come_out_in_the_order_of_the_batch(
    dataset: LocalDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some are known, and ready before others that come first and are embedded."""
    dataset.write(**{f"f{n:02}": b"%d" % n for n in range(0, 20, 2)})
    run(dataset)
    dataset.write(**{f"f{n:02}": b"%d" % n for n in range(1, 20, 2)})
    monkeypatch.setattr(ordered_buffer, "SECONDS_PER_PART", 0.0)
    keys: list[str] = []

    def take(parts: Iterator[list[Image]]) -> None:
        keys.extend(image.key for part in parts for image in part)

    run(dataset, [Stage("take", take)])
    assert keys == [f"images/b/f{n:02}.jpg" for n in range(20)]


def test_images_are_in_the_store_when_later_stages_get_them(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", b=b"2")
    there: list[bool] = []

    def take(parts: Iterator[list[Image]]) -> None:
        there.extend(dataset.store.exists(image.key) for part in parts for image in part)

    run(dataset, [Stage("take", take)])
    assert there == [True, True]


def test_what_was_recorded_before_a_failure_is_not_done_again(
    dataset: LocalDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_buffer, "IMAGES_PER_PART", 4)
    dataset.write(**{f"f{n:02}": b"%d" % n for n in range(40)})

    def fail_late(parts: Iterator[list[Image]]) -> None:
        for number, _ in enumerate(parts):
            if number == 2:
                raise DataError("late")

    with pytest.raises(DataError, match="late"):
        run(dataset, [Stage("fails", fail_late)])
    rest = run(dataset)
    assert rest.images == 40
    assert 0 < rest.embedded < 40


def test_failure_to_read_the_batch_reaches_the_caller(dataset: LocalDataset) -> None:
    class Failing:
        def __len__(self) -> int:
            return 2

        def __iter__(self) -> Iterator[Any]:
            yield from list_batch(
                str(dataset.batch), dataset.store, dataset.catalog, dataset.hashes
            ).sources
            raise DataError("the listing broke off")

    dataset.write(a=b"1")
    with pytest.raises(DataError, match="broke off"):
        dataset.embedder().run(Failing(), untracked)


def test_progress_ends_with_the_number_of_the_files(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", b=b"2", bad=UNDECODABLE)
    shown: list[tuple[str, int]] = []

    def track(items: Any, stage: str, total: int | None = None) -> Iterator[Any]:
        count = 0
        for item in items:
            count += 1
            yield item
        shown.append((stage, count))

    listing = list_batch(str(dataset.batch), dataset.store, dataset.catalog, dataset.hashes)
    dataset.embedder().run(listing.sources, track)
    assert shown == [("infer", 3)]


def test_look_counts_what_a_run_would_do_and_writes_nothing(
    dataset: LocalDataset, tmp_path: Path
) -> None:
    dataset.write(a=b"1", b=b"2", c=b"1")
    before = sorted((tmp_path / "store").rglob("*"))
    images: list[Image] = []
    listing = list_batch(str(dataset.batch), dataset.store, dataset.catalog, dataset.hashes)
    done = dataset.embedder().look(listing.sources, untracked, images.extend)
    assert (done.images, done.embedded, done.uploaded) == (3, 2, 3)
    assert [image.key for image in images] == [f"images/b/{name}.jpg" for name in "abc"]
    assert sorted((tmp_path / "store").rglob("*")) == before
    assert dataset.opened == 0


def test_images_of_the_store_are_embedded_where_they_are_missing(dataset: LocalDataset) -> None:
    dataset.write(a=b"1", b=b"2")
    run(dataset)
    dataset.store.put("images/b/c.jpg", b"3")
    dataset.store.put("images/b/bad.jpg", UNDECODABLE)
    images = [*dataset.catalog.images()]
    images += [Image("images/b/c.jpg", content_hash(b"3"))]
    images += [Image("images/b/bad.jpg", content_hash(UNDECODABLE))]
    images += [Image("images/b/gone.jpg", content_hash(b"4"))]
    unreadable = dataset.embedder().embed_images(images, untracked)
    assert set(unreadable) == {content_hash(UNDECODABLE), content_hash(b"4")}
    assert content_hash(b"3") in dataset.embeddings
