"""What was decided about an image stays so."""

from pathlib import Path

import pytest

from annolooop.errors import DataError
from annolooop.loop.labels.recorded_split import RecordedSplit
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.series import Series

HELD, LEARNT = "0" * 64, "f" * 64


def test_first_decision_counts_for_its_share(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    sides = RecordedSplit(store, "birds")
    assert sides.read(0.2) == {}
    sides.record(0.2, {HELD: "train"})
    sides.record(0.2, {})
    sides.record(0.2, {HELD: "holdout", LEARNT: "holdout"})  # by someone who knew nothing of it
    sides.record(0.3, {LEARNT: "train"})
    assert Series(store, "datasets/birds/sides", dict).numbers() == [1, 2, 3]
    assert sides.read(0.2) == {HELD: "train", LEARNT: "holdout"}
    assert sides.read(0.3) == {LEARNT: "train"}
    assert sides.read(0.1) == sides.read(0.0) == {}
    assert RecordedSplit(store, "other").read(0.2) == {}


@pytest.mark.parametrize("body", [b"[]", b'{"holdout": 0.2, "sides": {"a": "left"}}', b"{"])
def test_damaged_decision_is_named(tmp_path: Path, body: bytes) -> None:
    store = ArtifactStore(str(tmp_path))
    store.put("datasets/birds/sides/000001.json", body)
    with pytest.raises(DataError) as caught:
        RecordedSplit(store, "birds").read(0.2)
    assert "datasets/birds/sides/000001.json" in caught.value.message
