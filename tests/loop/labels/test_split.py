"""Near-duplicates are in one part of the split; what was in a part stays there."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from support.project import LABELS, Project

from annolooop.domain.annotations import Annotation, Snapshot
from annolooop.domain.examples import Example
from annolooop.domain.split import split_of
from annolooop.domain.versions import BackboneInfo, ModelVersion
from annolooop.loop.labels.split import Assigned, assign_split, recorded_split
from annolooop.model.backbones.transforms import EvalTransform
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.images import content_hash
from annolooop.storage.series import Series

INFO = BackboneInfo("resnet18", "none", "f" * 16, EvalTransform().id, 32)
SHARE = 0.3


class Labelled:
    """A dataset whose pictures are pairs of nearly the same embedding, in parts of our choice."""

    def __init__(self, folder: Path, share: float = SHARE) -> None:
        self.project = Project(
            folder,
            {
                "dataset": {"name": "pairs", "labels": LABELS},
                "train": {"holdout": share},
                "cache_dir": str(folder / "cache"),
            },
        )
        self.stack: Stack = self.project.stack()
        self.embeddings: Embeddings = self.stack.embeddings(INFO)
        self.examples: dict[str, Example] = {}
        self._hashes = (content_hash(str(n).encode()) for n in count())
        self._pictures = np.abs(np.random.default_rng(0).normal(size=(60, 32)))
        for n in range(40):  # others, without which nobody could tell what is near
            self.add(f"other {n}", 20 + n, "train" if n % 4 else "holdout", LABELS[n % 2])

    def add(self, name: str, picture: int, side: str, label: str, off: float = 0.0) -> None:
        """An image whose hash is on a side; ``off`` the picture, towards the one before."""
        sha256 = next(h for h in self._hashes if split_of(h, SHARE) == side)
        row = (1 - off) * self._pictures[picture] + off * self._pictures[picture - 1]
        self.embeddings.add({sha256: row.astype(np.float32)})
        self.examples[name] = Example(f"images/{name}.jpg", sha256, (label,), side)

    def assign_split(self) -> Assigned:
        """As a new command does it."""
        self.stack = self.project.stack()
        share = self.stack.config.train.holdout
        sides = recorded_split(self.stack, "pairs", share)
        now = [replace(e, split=split_of(e.sha256, share, sides)) for e in self.examples.values()]
        return assign_split(self.stack, now, self.embeddings)

    def parts(self, assigned: Assigned, *names: str) -> list[str | None]:
        now = {e.sha256: e.split for e in assigned.examples}
        return [now.get(self.examples[name].sha256) for name in names]

    def learn(self) -> None:
        """A version that knows everything up to now."""
        said = tuple(
            Annotation(n, n, e.key, e.sha256, e.labels, False, False, 1, f"{n}")
            for n, e in enumerate(self.examples.values(), start=1)
        )
        last = self.stack.snapshots.latest().number
        stored = self.stack.snapshots.write(Snapshot(0, "now", "1 then", "", said), last)
        assert stored
        config: Mapping[str, object] = {"holdout": self.stack.config.train.holdout}
        draft = ModelVersion(
            0, "", "pairs", tuple(LABELS), True, None, "", stored.number, INFO, "", "", "",
            {"holdout": {"n": 0}}, dict(config),
        )  # fmt: skip
        self.stack.registry.register(draft, f"head {last}".encode())


@pytest.fixture
def labelled(tmp_path: Path) -> Labelled:
    return Labelled(tmp_path)


def recorded(labelled: Labelled) -> int:
    return len(Series(labelled.stack.store, "datasets/pairs/sides", dict).numbers())


def test_new_group_comes_to_one_part_for_good(labelled: Labelled) -> None:
    assert labelled.assign_split().moved == recorded(labelled) == 0
    for picture in range(8):
        labelled.add(f"{picture} a", picture, "train", "aria")
        labelled.add(f"{picture} b", picture, "holdout", "aria")
    first = labelled.assign_split()
    assert (first.moved, first.left_out) == (8, {})
    pairs = [labelled.parts(first, f"{n} a", f"{n} b") for n in range(8)]
    assert all(a == b for a, b in pairs)
    assert len({a for a, _ in pairs}) == 2  # either side may be the one
    again = labelled.assign_split()
    assert recorded(labelled) == 1
    assert [labelled.parts(again, f"{n} a", f"{n} b") for n in range(8)] == pairs


def test_later_image_comes_to_the_part_of_the_one_a_version_knew(labelled: Labelled) -> None:
    for picture in range(6):
        labelled.add(f"{picture} a", picture, "train" if picture % 2 else "holdout", "aria")
    labelled.learn()
    for picture in range(6):
        labelled.add(f"{picture} b", picture, "holdout" if picture % 2 else "train", "aria")
    assigned = labelled.assign_split()
    assert assigned.moved == 6
    for picture in range(6):
        side = "train" if picture % 2 else "holdout"
        assert labelled.parts(assigned, f"{picture} a", f"{picture} b") == [side, side]


def test_bridge_between_known_images_moves_none_and_training_images_are_left_out(
    labelled: Labelled,
) -> None:
    labelled.add("held", 0, "holdout", "aria")
    labelled.add("learnt", 0, "train", "aria", off=0.4)
    assert labelled.assign_split().moved == 0  # too far from each other
    labelled.learn()
    labelled.add("bridge", 0, "train", "aria", off=0.2)
    with_bridge = labelled.assign_split()
    assert (with_bridge.moved, recorded(labelled)) == (0, 0)
    assert labelled.parts(with_bridge, "held", "learnt", "bridge") == ["holdout", None, None]
    why = with_bridge.left_out[labelled.examples["learnt"].sha256]
    assert why == "it is a near-duplicate of images/held.jpg, which is in the holdout"
    del labelled.examples["bridge"]
    assert labelled.parts(labelled.assign_split(), "held", "learnt") == ["holdout", "train"]


def test_known_duplicates_of_an_older_version_are_left_out_of_learning(labelled: Labelled) -> None:
    labelled.add("held", 0, "holdout", "aria")
    labelled.add("learnt", 0, "train", "aria")
    labelled.learn()
    assigned = labelled.assign_split()
    assert labelled.parts(assigned, "held", "learnt") == ["holdout", None]
    assert assigned.moved == 0


def test_chain_that_is_recorded_stays_when_it_is_cut(labelled: Labelled) -> None:
    for n, side in enumerate(("train", "holdout", "train", "holdout")):
        labelled.add(f"link {n}", 0, side, "aria", off=n / 5)
    chained = labelled.assign_split()
    (side,) = set(labelled.parts(chained, *(f"link {n}" for n in range(4))))
    del labelled.examples["link 1"], labelled.examples["link 2"]
    assert labelled.parts(labelled.assign_split(), "link 0", "link 3") == [side, side]


def test_other_share_is_another_split(labelled: Labelled) -> None:
    for picture in range(4):
        labelled.add(f"{picture} a", picture, "train", "aria")
        labelled.add(f"{picture} b", picture, "holdout", "aria")
    assert labelled.assign_split().moved == 4
    labelled.learn()
    values = {**labelled.project.values, "train": {"holdout": 0.0}}
    labelled.project.write(values)
    assert recorded_split(labelled.project.stack(), "pairs", 0.0) == {}
    labelled.project.write({**values, "train": {"holdout": 0.35}})
    assert recorded_split(labelled.project.stack(), "pairs", 0.35) == {}
    labelled.assign_split()  # decided anew
    assert recorded(labelled) == 2
    labelled.project.write(labelled.project.values)
    assert labelled.assign_split().moved == 0  # the first decision again
    assert recorded(labelled) == 2


def test_last_images_of_a_label_are_not_taken_from_learning(labelled: Labelled) -> None:
    for n in range(6):
        labelled.add(f"rare {n} a", n, "train", f"rare {n}")
        labelled.add(f"rare {n} b", n, "holdout", f"rare {n}")
    assigned = labelled.assign_split()
    names = [f"rare {n} {which}" for n in range(6) for which in "ab"]
    assert set(labelled.parts(assigned, *names)) == {"train"}
