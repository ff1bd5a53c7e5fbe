"""Versioned snapshots of a dataset's annotations."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace

from annolooop.records import Annotation, Changes, Example, Snapshot
from annolooop.storage.store import ArtifactStore, numbered


class Snapshots:
    """The history of a dataset's annotations in the store: numbered, never overwritten."""

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        self._store = store
        self._prefix = f"datasets/{dataset}/snapshots"

    def latest(self) -> Snapshot:
        """The newest snapshot; number 0 with no annotations when there is none."""
        numbers = self._store.numbers(self._prefix)
        return self.read(numbers[-1]) if numbers else Snapshot()

    def read(self, number: int) -> Snapshot:
        """A snapshot by number; DataError when there is none."""
        read = json.loads(self._store.require(numbered(self._prefix, number)))
        annotations = tuple(Annotation(**row) for row in read["annotations"])
        return Snapshot(number, read["created_at"], read["project"], read["watermark"], annotations)

    def write(self, snapshot: Snapshot) -> Snapshot:
        """Store a new snapshot, and return it with the number that it got."""
        body = {
            "created_at": snapshot.created_at,
            "project": snapshot.project,
            "watermark": snapshot.watermark,
            "annotations": [asdict(annotation) for annotation in snapshot.annotations],
        }
        number = self._store.append(self._prefix, json.dumps(body, ensure_ascii=False).encode())
        return replace(snapshot, number=number)


def compare(old: Snapshot, new: Snapshot) -> Changes:
    """What people did between two snapshots, in tasks."""
    before = {a.task: a for a in old.annotations}
    after = {a.task: a for a in new.annotations}
    return Changes(
        created=len(after.keys() - before.keys()),
        updated=sum(after[task] != before[task] for task in after.keys() & before.keys()),
        deleted=len(before.keys() - after.keys()),
    )


def build_examples(annotations: Iterable[Annotation], holdout: float) -> list[Example]:
    """Labelled images, one for each content; the latest annotation of a content wins.

    Args:
        annotations: of one snapshot.
        holdout: share of contents that go to the holdout.

    Returns:
        Examples by content hash. Tasks without an image of the store are left out.
    """
    latest: dict[str, Annotation] = {}
    for annotation in sorted(annotations, key=lambda a: (a.updated_at, a.task)):
        if annotation.sha256 and annotation.label is not None:
            latest[annotation.sha256] = annotation
    return [
        Example(a.key, sha256, str(a.label), split_of(sha256, holdout))
        for sha256, a in sorted(latest.items())
    ]


def split_of(sha256: str, holdout: float) -> str:
    """``holdout`` or ``train``: fixed for a content, whatever else is in the dataset.

    The first 52 bits of the hash are read as a number in [0, 1).
    """
    return "holdout" if int(sha256[:13], 16) / 16**13 < holdout else "train"


def fingerprint(examples: Iterable[Example]) -> str:
    """Hash of the (content, label) pairs: it changes when a label is added or corrected."""
    pairs = sorted((example.sha256, example.label) for example in examples)
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:16]
