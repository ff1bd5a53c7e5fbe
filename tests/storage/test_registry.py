"""Model versions in the store."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem
from support.records import draft

from annolooop.domain.annotations import Snapshot
from annolooop.domain.tasks import Image
from annolooop.domain.versions import GateVerdict, Promotion, fingerprint_of
from annolooop.errors import DataError
from annolooop.storage.artifacts.store import ArtifactStore, Provider
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


def test_version_that_the_gate_refused_is_known_until_it_is_current(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    first = registry.register(draft(), b"head one")
    registry.promote(first, "now", "me")
    assert registry.refused(first) is None
    metrics = {"holdout": {"n": 1}, "gate": asdict(GateVerdict("refused", "none"))}
    second = registry.register(draft(parent=first.name, metrics=metrics), b"head two")
    assert registry.refused(first) == second
    registry.promote(second, "now", "me")
    assert registry.refused(first) is None


def test_promotions_say_who_and_when(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    version = registry.register(draft(), b"head")
    registry.promote(version, "now", "me")
    assert registry.promotions() == [Promotion(1, version.name, "now", "me")]


def test_damaged_head_is_noticed(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    weights = b"backbone"
    info = replace(draft().backbone, fingerprint=fingerprint_of("resnet18", weights))
    registry.put_backbone(info, weights)
    version = registry.register(draft(backbone=info), b"head")
    assert registry.intact(version)
    store.put(version.head, b"another head")
    assert not registry.intact(version)


def test_damaged_backbone_is_replaced(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    fingerprint = fingerprint_of("resnet18", b"backbone")
    info = replace(draft().backbone, fingerprint=fingerprint)
    assert not registry.keeps(info)
    registry.put_backbone(info, b"backbone")
    store.put(f"backbones/{fingerprint}.safetensors", b"damaged")
    assert not registry.keeps(info)
    registry.put_backbone(info, b"backbone")
    assert registry.keeps(info)


def test_head_that_is_gone_is_named(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    version = registry.register(draft(), b"head")
    store.delete(version.head)
    with pytest.raises(DataError, match=f"{version.head} is missing"):
        registry.head(version)


def test_changed_head_and_backbone_are_named(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    info = replace(draft().backbone, fingerprint=fingerprint_of("resnet18", b"backbone"))
    registry.put_backbone(info, b"backbone")
    version = registry.register(draft(backbone=info), b"head")
    keys = (version.head, f"backbones/{info.fingerprint}.safetensors")
    for key, read in zip(
        keys, (lambda: registry.head(version), lambda: registry.backbone(info)), strict=True
    ):
        whole = store.get(key)
        store.put(key, whole[:-1] + b"?")
        with pytest.raises(DataError, match=f"{key} .* is damaged"):
            read()
        store.put(key, whole)
        assert read() == whole


def test_damaged_copy_of_a_backbone_is_fetched_again(tmp_path: Path) -> None:
    remote = ArtifactStore(str(tmp_path / "s"), Provider(LocalFileSystem(auto_mkdir=True)))
    info = replace(draft().backbone, fingerprint=fingerprint_of("resnet18", b"backbone"))
    registry = Registry(remote, "cats", tmp_path / "copies")
    remote.put(f"backbones/{info.fingerprint}.safetensors", b"backbone")
    registry.backbone(info)
    for copy in (tmp_path / "copies").iterdir():
        copy.write_bytes(b"hackbone")
    assert registry.backbone(info) == b"backbone"


def test_missing_newest_promotion_is_noticed(store: ArtifactStore) -> None:
    registry = Registry(store, "cats")
    first, second = registry.register(draft(), b"one"), registry.register(draft(), b"two")
    for version in (first, second):
        registry.promote(version, "now", "me")
    store.delete("models/cats/promotions/000002.json")
    with pytest.raises(DataError, match=r"promotions/000002\.json is missing") as caught:
        registry.current()
    assert "annoloop model promote VERSION, one of v1, v2" in caught.value.hint
    registry.promote(second, "later", "me")
    assert registry.current() == second


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("head", "../../x"),
        ("head", 5),
        ("labels", "aria"),
        ("metrics", {}),
        ("metrics", {"holdout": 5}),
        ("metrics", {"holdout": {"n": 1}, "evaluation": {"n": 1, "accuracy": "high"}}),
        ("metrics", {"holdout": {"n": 1}, "evaluation": {"n": 1, "confusion": [[1]]}}),
        ("metrics", {"holdout": {"n": 1}, "calibration": {"temperature": 1.0}}),
        ("metrics", {"holdout": {"n": 1}, "gate": {"verdict": None}}),
        ("config", {"holdout": "a fifth"}),
        ("backbone", {"name": "resnet18"}),
    ],
)
def test_record_of_a_version_holds_what_others_take_from_it(
    store: ArtifactStore, part: str, value: object
) -> None:
    registry = Registry(store, "cats")
    registry.register(draft(), b"head")
    key = "models/cats/versions/000001.json"
    store.put(key, json.dumps({**json.loads(store.get(key)), part: value}).encode())
    with pytest.raises(DataError, match=f"{key} .* is damaged"):
        registry.version(1)
