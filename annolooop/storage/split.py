"""On which side of the split images are, where it is not that of their hash."""

import json
from collections.abc import Mapping

from annolooop.errors import DataError
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.artifacts.store import ArtifactStore, numbered

SIDES = ("train", "holdout")


class Sides:
    """What was decided for images whose near-duplicates are on the other side; never taken back.

    ``datasets/<dataset>/sides/<n>.json`` holds one decision: ``{"holdout": share, "sides":
    {content hash: side}}``. It counts for that share only: with another one, hashes fall on other
    sides too. Of two that were written at the same moment, the one with the lower number counts.
    """

    def __init__(self, store: ArtifactStore, dataset: str) -> None:
        self._store = store
        self._prefix = f"{DATASETS}/{dataset}/sides"

    def read(self, holdout: float) -> dict[str, str]:
        """Content hash -> ``train`` or ``holdout``, as decided for this share.

        Raises:
            DataError: a decision is damaged.
        """
        if not holdout:
            return {}  # all are on one side
        keys = [numbered(self._prefix, number) for number in self._store.numbers(self._prefix)]
        found: dict[str, str] = {}
        for key, record in zip(keys, self._store.get_each_json(keys), strict=True):
            try:
                share, sides = float(record["holdout"]), dict(record["sides"])
                if not all(side in SIDES for side in sides.values()):
                    raise ValueError(key)
            except (KeyError, TypeError, ValueError):
                raise DataError(
                    f"{key} in the artifact store {self._store.url} is damaged: it does not say on "
                    "which side of the split images are",
                    "Put it back from a backup.",
                ) from None
            if share == holdout:
                found = {**sides, **found}
        return found

    def record(self, holdout: float, sides: Mapping[str, str]) -> None:
        """Keep a decision; what was decided earlier stays as it is."""
        if sides:
            body = {"holdout": holdout, "sides": dict(sorted(sides.items()))}
            self._store.append(self._prefix, json.dumps(body).encode())
