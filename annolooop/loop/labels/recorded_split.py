"""In which part of the split images are, where it is not that of their hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from annolooop.domain.split import Part
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.series import Series


@dataclass(frozen=True)
class Decision:
    """Images that were assigned to a part of the split, for one share of the holdout.

    Attributes:
        holdout: the share; with another one, hashes fall into other parts too.
        sides: content hash -> part.
    """

    holdout: float
    sides: dict[str, Part]


class RecordedSplit:
    """What was decided for images whose near-duplicates are in the other part; never taken back.

    ``datasets/<dataset>/sides/<n>.json`` holds one decision. Of two that were written at the same
    moment, the one with the lower number counts.
    """

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        prefix = f"{DATASETS}/{dataset}/sides"
        self._decisions: Series[Decision] = Series(store, prefix, Decision)

    def read(self, holdout: float) -> dict[str, str]:
        """Content hash -> ``train`` or ``holdout``, as decided for this share.

        Raises:
            DataError: a decision is damaged.
        """
        recorded: dict[str, str] = {}
        for decision in self._decisions.each() if holdout else ():  # else all are in one part
            if decision.holdout == holdout:
                recorded = {**decision.sides, **recorded}
        return recorded

    def record(self, holdout: float, parts: Mapping[str, str]) -> None:
        """Keep a decision; what was decided earlier stays as it is."""
        if parts:
            checked = cast("dict[str, Part]", dict(sorted(parts.items())))
            self._decisions.append(Decision(holdout, checked))
