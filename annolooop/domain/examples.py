"""Labelled images to learn from, and the holdout."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """One image with its labels, on one side of the split (``train`` or ``holdout``).

    Single choice gives it exactly one label; multiple choice any number, also none. ``accepted``
    is the model version whose prediction it is, and empty for what people said.
    """

    key: str
    sha256: str
    labels: tuple[str, ...]
    split: str
    accepted: str = ""


@dataclass(frozen=True)
class Holdout:
    """Accuracy on images the model never learnt from; ``None`` with too few of them.

    ``low`` and ``high`` bound the accuracy at 95 % (Wilson).
    """

    n: int
    accuracy: float | None = None
    low: float | None = None
    high: float | None = None
