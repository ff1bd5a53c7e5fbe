"""Versioned snapshots of a dataset's annotations."""

from dataclasses import replace

from annolooop.domain.annotations import Snapshot
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.series import NUMBER, Series


class Snapshots(Series[Snapshot]):
    """The history of a dataset's annotations in the store."""

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        super().__init__(store, f"{DATASETS}/{dataset}/snapshots", Snapshot, NUMBER)

    def latest(self) -> Snapshot:
        """The newest snapshot; number 0 with no annotations when there is none."""
        return super().latest() or Snapshot()

    def write(self, snapshot: Snapshot, after: int) -> Snapshot | None:
        """Store the snapshot that follows number ``after``.

        Returns:
            It, with its number; ``None`` if someone else has stored another one since.
        """
        return replace(snapshot, number=after + 1) if self.write_after(after, snapshot) else None
