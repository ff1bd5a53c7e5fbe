"""On which side of the split images are, where it is not that of their hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from annolooop.domain.split import Side
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.series import Series


@dataclass(frozen=True)
class Decision:
    """Images that were assigned to a side of the split, for one share of the holdout.

    Attributes:
        holdout: the share; with another one, hashes fall on other sides too.
        sides: content hash -> side.
    """

    holdout: float
    sides: dict[str, Side]


class Sides:
    """What was decided for images whose near-duplicates are on the other side; never taken back.

    ``datasets/<dataset>/sides/<n>.json`` holds one decision. Of two that were written at the same
    moment, the one with the lower number counts.
    """

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        prefix = f"{DATASETS}/{dataset}/sides"
        self._series: Series[Decision] = Series(store, prefix, Decision)

    def read(self, holdout: float) -> dict[str, str]:
        """Content hash -> ``train`` or ``holdout``, as decided for this share.

        Raises:
            DataError: a decision is damaged.
        """
        found: dict[str, str] = {}
        for decision in self._series.each() if holdout else ():  # else all are on one side
            if decision.holdout == holdout:
                found = {**decision.sides, **found}
        return found

    def record(self, holdout: float, sides: Mapping[str, str]) -> None:
        """Keep a decision; what was decided earlier stays as it is."""
        if sides:
            self._series.append(
                Decision(holdout, cast("dict[str, Side]", dict(sorted(sides.items()))))
            )
