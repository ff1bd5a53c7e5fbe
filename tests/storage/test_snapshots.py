"""Snapshots, examples, the holdout, embeddings and model versions in the store."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annolooop.domain.annotations import Annotation, Changes, Snapshot, compare
from annolooop.domain.answers import resolve
from annolooop.domain.examples import Example, build_examples, fingerprint
from annolooop.domain.split import split_of
from annolooop.domain.tasks import Image
from annolooop.domain.versions import BackboneInfo, ModelVersion
from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.images import ImageCatalog, is_image_name, series_of
from annolooop.storage.registry import Registry
from annolooop.storage.snapshots import Snapshots


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


def annotation(task: int, label: str | None = "cat", **changed: object) -> Annotation:
    sha256 = hashlib.sha256(str(task).encode()).hexdigest()
    labels = (label,) if label else ()
    made = Annotation(
        task, task, f"images/{task}.jpg", sha256, labels, False, False, 1, f"2026-01-{task:02d}"
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def examples(given: list[Annotation], holdout: float = 0.2) -> list[Example]:
    return build_examples(given, "single", "majority", holdout)[0]


def test_snapshot_comes_back_as_it_was(store: ArtifactStore) -> None:
    snapshots = Snapshots(store, "cats")
    assert snapshots.latest() == Snapshot()
    written = snapshots.write(
        Snapshot(0, "now", "1 then", "then", (annotation(1), annotation(2, None))), after=0
    )
    assert written
    assert written.number == 1
    assert snapshots.latest() == written
    assert snapshots.read(1) == written


def test_snapshot_never_takes_the_place_of_a_newer_one(store: ArtifactStore) -> None:
    snapshots = Snapshots(store, "cats")
    assert snapshots.write(Snapshot(created_at="a"), after=0)
    assert snapshots.write(Snapshot(created_at="b"), after=0) is None
    assert snapshots.latest().created_at == "a"


def test_changes_between_snapshots_are_counted() -> None:
    old = Snapshot(annotations=(annotation(1), annotation(2), annotation(3)))
    new = Snapshot(annotations=(annotation(1), annotation(2, "dog"), annotation(4)))
    assert compare(old, new) == Changes(created=1, updated=1, deleted=1)
    assert not compare(old, old)


def test_skipped_and_foreign_tasks_are_no_examples() -> None:
    given = [annotation(1), annotation(2, None, skipped=True), annotation(3, sha256="", key="")]
    assert [example.key for example in examples(given)] == ["images/1.jpg"]


def test_latest_label_of_a_content_wins() -> None:
    first = annotation(1, "cat", updated_at="2026-01-01")
    second = annotation(2, "dog", updated_at="2026-01-02", sha256=first.sha256)
    for order in ([first, second], [second, first]):
        (example,) = examples(order)
        assert example.labels == ("dog",)


def test_holdout_depends_on_the_content_only() -> None:
    many = [annotation(n) for n in range(1, 30)]
    sides = {e.sha256: e.split for e in examples(many, 0.3)}
    few = {e.sha256: e.split for e in examples(many[:5], 0.3)}
    assert all(sides[sha256] == split for sha256, split in few.items())


def test_larger_holdout_keeps_what_a_smaller_one_held() -> None:
    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(2000)]
    small = {h for h in hashes if split_of(h, 0.1) == "holdout"}
    large = {h for h in hashes if split_of(h, 0.2) == "holdout"}
    assert small < large
    assert 150 < len(small) < 250
    assert not {h for h in hashes if split_of(h, 0.0) == "holdout"}


def test_fingerprint_changes_with_a_corrected_label() -> None:
    before = fingerprint(examples([annotation(1), annotation(2)]))
    assert before == fingerprint(examples([annotation(2), annotation(1)]))
    assert before != fingerprint(examples([annotation(1), annotation(2, "dog")]))


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


def test_embeddings_are_shared_through_the_store(store: ArtifactStore, tmp_path: Path) -> None:
    mine = Embeddings(store, "space", tmp_path)
    mine.add({"b" * 64: np.ones(3, np.float32), "a" * 64: np.zeros(3, np.float32)})
    yours = Embeddings(store, "space", tmp_path)
    yours.load()
    assert "a" * 64 in yours
    assert yours.matrix(["b" * 64, "a" * 64]).tolist() == [[1, 1, 1], [0, 0, 0]]
    other = Embeddings(store, "another space", tmp_path)
    other.load()
    assert "a" * 64 not in other


def draft(**changed: object) -> ModelVersion:
    info = BackboneInfo("resnet18", "none", "f" * 16, "bilinear 256 224 0,0,0 1,1,1", 512)
    made = ModelVersion(
        0, "", "cats", ("cat", "dog"), False, None, "", 0, info, "", "now", "me", {"n": 1}, {}
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def test_versions_are_numbered_and_promoted(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    assert registry.promoted() is None
    first = registry.register(draft(), b"head one")
    second = registry.register(draft(parent=first.name, trained=True), b"head two")
    assert (first.number, second.number) == (1, 2)
    registry.promote(first, "now", "me")
    registry.promote(second, "now", "me")
    assert registry.promoted() == second
    registry.promote(first, "now", "me")
    assert registry.promoted() == first
    assert registry.head(second) == b"head two"


def test_version_whose_maker_died_before_the_promotion_is_taken_up(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    first = registry.register(draft(), b"head one")
    again = registry.register(draft(created_at="later"), b"head one")
    assert again == first
    assert registry.register(draft(snapshot=1), b"head one").number == 2
    registry.promote(registry.version(2), "now", "me")
    assert registry.register(draft(snapshot=1), b"head one").number == 3


def test_no_version_name_is_part_of_another(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    names = [registry.register(draft(), f"head {n}".encode()).name for n in range(12)]
    assert not [(a, b) for a in names for b in names if a != b and a in b]


def test_damaged_records_are_named(store: ArtifactStore) -> None:
    registry, snapshots = Registry(store, "d"), Snapshots(store, "d")
    registry.promote(registry.register(draft(), b"head"), "now", "me")
    snapshots.write(Snapshot(), 0)
    ImageCatalog(store, "d").add([Image("images/a.jpg", "0" * 64)], {})
    for key, read in (
        ("models/d/versions/000001.json", registry.promoted),
        ("models/d/promotions/000001.json", registry.promotions),
        ("datasets/d/snapshots/000001.json", snapshots.latest),
        ("datasets/d/images/000001.json", lambda: ImageCatalog(store, "d")),
    ):
        whole = store.get(key)
        store.put(key, whole[: len(whole) // 2])
        with pytest.raises(DataError, match=f"{key} .* is damaged"):
            read()
        store.put(key, whole)


def test_damaged_embeddings_count_as_missing(store: ArtifactStore, tmp_path: Path) -> None:
    vectors = {letter * 64: np.ones(3, np.float32) for letter in "ab"}
    Embeddings(store, "space", tmp_path / "cache").add(vectors)
    found = next(iter(store.walk("embeddings")))
    whole = store.get(found.key)
    for damaged in (b"", whole[:40], whole[: len(whole) // 2], whole[:90] + b"?" + whole[91:]):
        store.put(found.key, damaged)
        opened = Embeddings(store, "space", tmp_path / "cache")
        opened.load()
        assert "a" * 64 not in opened
    opened.add(vectors)  # what was embedded again takes the place of the damaged file
    assert store.get(found.key) == whole


def said(labels: str, by: int | None, at: int, **changed: object) -> Annotation:
    """What person ``by`` said at a time, of one picture; labels are single letters."""
    made = Annotation(
        at, 1, "images/1.jpg", "f" * 64, tuple(labels), False, False, by, f"2026-01-{at:02d}"
    )
    return replace(made, **changed)  # type: ignore[arg-type]


SINGLE = [
    # the rule, what was said, and what counts
    ("majority", [said("a", 1, 1), said("a", 2, 2), said("b", 3, 3)], "a"),
    ("majority", [said("a", 1, 1), said("b", 2, 2)], "b"),  # a tie: the latest
    ("majority", [said("b", 2, 3), said("a", 1, 2)], "b"),  # whatever the order
    ("majority", [said("a", 1, 1), said("a", 1, 2), said("b", 2, 3), said("b", 3, 4)], "b"),
    ("majority", [said("a", 1, 1), said("b", 1, 2)], "b"),  # who changes their mind has one vote
    ("majority", [said("a", None, 1), said("a", None, 2), said("b", None, 3)], "a"),
    ("majority", [said("a", 1, 1), said("", 2, 2, skipped=True)], "a"),
    ("majority", [said("a", 1, 1), said("", 2, 2)], "a"),  # an empty answer says nothing
    ("majority", [said("", 1, 1), said("", 2, 2, skipped=True)], None),
    ("majority", [], None),
    ("latest", [said("a", 1, 1), said("a", 2, 2), said("b", 3, 3)], "b"),
    ("unanimous", [said("a", 1, 1), said("a", 2, 2)], "a"),
    ("unanimous", [said("b", 1, 1), said("a", 1, 2), said("a", 2, 3)], "a"),
    ("unanimous", [said("a", 1, 1, ground_truth=True), said("b", 2, 2)], "a"),
    ("majority", [said("a", 1, 1, ground_truth=True), said("b", 2, 2), said("b", 3, 3)], "a"),
    ("latest", [said("a", 1, 1, ground_truth=True), said("b", 2, 2)], "a"),
]


@pytest.mark.parametrize(("agreement", "given", "label"), SINGLE)
def test_label_in_force_with_single_choice(
    agreement: str, given: list[Annotation], label: str | None
) -> None:
    assert resolve(given, "single", agreement) == (None if label is None else tuple(label))


MULTIPLE = [
    ("majority", [said("ab", 1, 1), said("ac", 2, 2), said("a", 3, 3)], "a"),
    ("majority", [said("ab", 1, 1), said("a", 2, 2)], "a"),  # a tie over b: the latest lacks it
    ("majority", [said("a", 1, 1), said("ab", 2, 2)], "ab"),
    ("majority", [said("a", 1, 1), said("", 2, 2), said("", 3, 3)], ""),  # none of the labels
    ("majority", [said("a", 1, 1), said("", 2, 2, skipped=True)], "a"),
    ("unanimous", [said("ab", 1, 1), said("ab", 2, 2)], "ab"),
    ("latest", [said("ab", 1, 1), said("", 2, 2)], ""),
    ("majority", [said("", 1, 1, skipped=True)], None),
]


@pytest.mark.parametrize(("agreement", "given", "labels"), MULTIPLE)
def test_labels_in_force_with_multiple_choice(
    agreement: str, given: list[Annotation], labels: str | None
) -> None:
    assert resolve(given, "multiple", agreement) == (None if labels is None else tuple(labels))


def test_images_that_people_disagree_about_are_named_under_unanimous() -> None:
    given = [said("a", 1, 1), said("b", 2, 2), annotation(9)]
    found, disputed = build_examples(given, "single", "unanimous", 0.2)
    assert [example.key for example in found] == ["images/9.jpg"]
    assert disputed == {"f" * 64: "people disagree: a, b"}


def test_one_content_under_two_keys_is_one_example() -> None:
    given = [said("a", 1, 1), said("b", 2, 2, task=2, key="images/2.jpg")]
    (example,) = examples(given)
    assert example.labels == ("b",)
    assert example.split == split_of("f" * 64, 0.2)
