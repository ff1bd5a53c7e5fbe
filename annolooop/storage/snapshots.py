"""Versioned snapshots of a dataset's annotations."""

import re
from dataclasses import replace
from typing import Annotated

from annolooop.domain.annotations import Snapshot
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.series import NUMBER, Series

_HASH = re.compile(r"([0-9a-f]{64})?")  # empty where the image is not there


class Snapshots(Series[Snapshot]):
    """The history of a dataset's annotations in the store."""

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        prefix = f"{DATASETS}/{dataset}/snapshots"
        super().__init__(store, prefix, Annotated[Snapshot, _checked], NUMBER)

    def latest(self) -> Snapshot:
        """The newest snapshot; number 0 with no annotations when there is none."""
        return super().latest() or Snapshot()

    def write(self, snapshot: Snapshot, after: int) -> Snapshot | None:
        """Store the snapshot that follows number ``after``.

        Returns:
            It, with its number; ``None`` if someone else has stored another one since.
        """
        return replace(snapshot, number=after + 1) if self.write_after(after, snapshot) else None


def _checked(snapshot: Snapshot) -> Snapshot:
    """A snapshot, as it is; ValueError where an annotation has a hash that is none."""
    if not all(_HASH.fullmatch(a.sha256) for a in snapshot.annotations):
        raise ValueError
    return snapshot
