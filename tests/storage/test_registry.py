"""Model versions in the store."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.records import draft

from annolooop.domain.annotations import Snapshot
from annolooop.domain.tasks import Image
from annolooop.domain.versions import Promotion, fingerprint_of
from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.images import ImageCatalog
from annolooop.storage.registry import Registry
from annolooop.storage.snapshots import Snapshots


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


def test_versions_are_numbered_and_promoted(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    assert registry.current() is None
    first = registry.register(draft(), b"head one")
    second = registry.register(draft(parent=first.name, trained=True), b"head two")
    assert (first.number, second.number) == (1, 2)
    registry.promote(first, "now", "me")
    registry.promote(second, "now", "me")
    assert registry.current() == second
    registry.promote(first, "now", "me")
    assert registry.current() == first
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
        ("models/d/versions/000001.json", registry.current),
        ("models/d/promotions/000001.json", registry.promotions),
        ("datasets/d/snapshots/000001.json", snapshots.latest),
        ("datasets/d/images/000001.json", lambda: ImageCatalog(store, "d")),
    ):
        whole = store.get(key)
        store.put(key, whole[: len(whole) // 2])
        with pytest.raises(DataError, match=f"{key} .* is damaged"):
            read()
        store.put(key, whole)


def test_version_that_was_refused_waits(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    assert registry.waiting() is None
    first = registry.register(draft(), b"head one")
    assert registry.waiting() == first
    registry.promote(first, "now", "me")
    assert registry.waiting() is None


def test_promotions_say_who_and_when(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    version = registry.register(draft(), b"head")
    registry.promote(version, "now", "me")
    assert registry.promotions() == [Promotion(1, version.name, "now", "me")]


def test_damaged_head_is_noticed(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    weights = b"backbone"
    info = replace(draft().backbone, fingerprint=fingerprint_of("resnet18", weights))
    registry.put_backbone(info.fingerprint, weights)
    version = registry.register(draft(backbone=info), b"head")
    assert registry.intact(version)
    store.put(version.head, b"another head")
    assert not registry.intact(version)


def test_damaged_backbone_is_replaced(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    fingerprint = fingerprint_of("resnet18", b"backbone")
    info = replace(draft().backbone, fingerprint=fingerprint)
    assert not registry.keeps(info)
    registry.put_backbone(fingerprint, b"backbone")
    store.put(f"backbones/{fingerprint}.safetensors", b"damaged")
    assert not registry.keeps(info)
    registry.put_backbone(fingerprint, b"backbone")
    assert registry.keeps(info)


def test_head_that_is_gone_is_named(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    version = registry.register(draft(), b"head")
    store.delete(version.head)
    with pytest.raises(DataError, match=f"{version.head} is missing"):
        registry.head(version)
