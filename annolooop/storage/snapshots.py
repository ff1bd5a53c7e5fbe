"""Versioned snapshots of a dataset's annotations, and what they say of each image."""

import json
from dataclasses import asdict, replace

from annolooop.domain.annotations import Annotation, Snapshot
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore, numbered


class Snapshots:
    """The history of a dataset's annotations in the store: numbered, never overwritten."""

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        self._store = store
        self._prefix = f"{DATASETS}/{dataset}/snapshots"

    def numbers(self) -> list[int]:
        """The numbers of the snapshots, ascending."""
        return self._store.numbers(self._prefix)

    def latest(self) -> Snapshot:
        """The newest snapshot; number 0 with no annotations when there is none."""
        numbers = self.numbers()
        return self.read(numbers[-1]) if numbers else Snapshot()

    def read(self, number: int) -> Snapshot:
        """A snapshot by number; DataError when there is none, or it is damaged."""
        read = self._store.require_json(numbered(self._prefix, number))
        annotations = tuple(
            Annotation(**{**row, "labels": tuple(row["labels"]), "shown": tuple(row["shown"])})
            for row in read["annotations"]
        )
        recent = {int(task): moment for task, moment in read.get("recent", {}).items()}
        told = (read["created_at"], read["project"], read["watermark"])
        return Snapshot(number, *told, annotations, recent)

    def raw(self, number: int) -> bytes:
        """A snapshot as it is in the store; DataError when there is none."""
        return self._store.require(numbered(self._prefix, number))

    def write(self, snapshot: Snapshot, after: int) -> Snapshot | None:
        """Store the snapshot that follows number ``after``.

        Returns:
            It, with its number; ``None`` if someone else has stored another one since.
        """
        body = {
            "created_at": snapshot.created_at,
            "project": snapshot.project,
            "watermark": snapshot.watermark,
            "recent": snapshot.recent,
            "annotations": [asdict(annotation) for annotation in snapshot.annotations],
        }
        data = json.dumps(body, ensure_ascii=False).encode()
        if not self._store.put_new(numbered(self._prefix, after + 1), data):
            return None
        return replace(snapshot, number=after + 1)
