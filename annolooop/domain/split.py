"""The two parts of the split, training set and holdout."""

from collections.abc import Mapping
from typing import Literal

from annolooop.domain.draw import SPLIT, draw

Part = Literal["train", "holdout"]

NOWHERE: Mapping[str, str] = {}


def split_of(sha256: str, holdout: float, recorded: Mapping[str, str] = NOWHERE) -> str:
    """``train`` or ``holdout``: the part that is recorded for a content, else that of its hash.

    Args:
        sha256: of the content.
        holdout: share of contents that go to the holdout.
        recorded: content hash -> part, of those that are recorded for this share; see
            :class:`annolooop.loop.labels.recorded_split.RecordedSplit`.
    """
    return recorded.get(sha256) or ("holdout" if draw(sha256, SPLIT) < holdout else "train")
