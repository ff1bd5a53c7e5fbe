"""The two parts of the split, training set and holdout: a draw by hash."""

from collections.abc import Mapping
from typing import Literal

from annolooop.domain.draw import SPLIT, draw

Side = Literal["train", "holdout"]


def side_of(sha256: str, holdout: float, sides: Mapping[str, str]) -> str:
    """Side of the split on which a content is: that which is recorded, else that of its hash.

    Args:
        sha256: of the content.
        holdout: share of contents that go to the holdout.
        sides: those that are recorded for this share; see :class:`annolooop.storage.split.Sides`.
    """
    return sides.get(sha256) or split_of(sha256, holdout)


def split_of(sha256: str, holdout: float) -> str:
    """``holdout`` or ``train``, by the hash alone; what counts is :func:`side_of`."""
    return "holdout" if draw(sha256, SPLIT) < holdout else "train"
