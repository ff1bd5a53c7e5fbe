"""Snapshots are numbered, and never overwritten."""

from pathlib import Path

import pytest
from support.records import annotation

from annolooop.domain.annotations import Snapshot
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.snapshots import Snapshots

MOMENT = "2026-01-02T00:00:00Z"


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


def test_snapshot_comes_back_as_it_was(store: ArtifactStore) -> None:
    snapshots = Snapshots(store, "cats")
    assert snapshots.latest() == Snapshot()
    written = snapshots.write(
        Snapshot(0, "now", "1 then", MOMENT, (annotation(1), annotation(2, None))), after=0
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
