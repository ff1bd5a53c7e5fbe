"""The two parts of the split, training set and holdout: a draw by hash."""

from collections.abc import Mapping


def side_of(sha256: str, holdout: float, sides: Mapping[str, str]) -> str:
    """Side of the split on which a content is: that which is recorded, else that of its hash.

    Args:
        sha256: of the content.
        holdout: share of contents that go to the holdout.
        sides: those that are recorded for this share; see :class:`annolooop.storage.split.Sides`.
    """
    return sides.get(sha256) or split_of(sha256, holdout)


def split_of(sha256: str, holdout: float) -> str:
    """``holdout`` or ``train``, by the hash alone; what counts is :func:`side_of`.

    The first 52 bits of the hash are read as a number in [0, 1).
    """
    return "holdout" if number_of(sha256[:13]) < holdout else "train"


def number_of(digits: str) -> float:
    """Hexadecimal digits, at most 13, as a number in [0, 1)."""
    return float(int(digits, 16) / 16 ** len(digits))
