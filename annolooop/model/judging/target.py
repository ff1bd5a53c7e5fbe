"""How many labels a target may still take: by the learning curve, or until a figure is sure.

The error falls with the labels about as ``labels ** -c``, see `annolooop.model.judging.curve`. The
forecast for as many labels again gives ``c``, and the interval of its gain that of ``c``.

On photographs of clothes and of rubbish (MobileNetV2; six draws each; what heads reach with two and
four times 100, 200, 400 and 800 labels as the target; `benchmarks/target.py`), 83 of 89 ranges held
the number that it took. Most had no upper end, since an accuracy is uncertain that is measured on a
holdout of a quarter of so few labels; of the likely numbers, 28 of 89 were beyond four times.
"""

from dataclasses import dataclass
from math import ceil, inf, log2

from annolooop.domain.versions import Estimate
from annolooop.model.heads.interval import Z, wilson

FARTHEST = 4  # times the labels that there are, beyond which the curve is not followed


@dataclass(frozen=True)
class Range:
    """A number with the ends of its 95 % interval; ``None``: more than can be foreseen."""

    value: int | None
    low: int | None
    high: int | None


def labels_to_target(
    target: float,
    labels: int,
    accuracy: Estimate,
    at_curve: float,
    gain: Estimate,
    farthest: float = FARTHEST,
) -> Range:
    """More labels of the same kind until a target.

    Args:
        target: accuracy that is wanted, below 1.
        labels: that there are.
        accuracy: with them, with its interval.
        at_curve: accuracy with all labels by the learning curve, which the gain is added to.
        gain: of as many labels again.
        farthest: times the labels that there are, beyond which the curve is not followed.

    Returns:
        How many; the ends combine those of the accuracy and of the gain. ``None`` stands for more
        than that, or for never.
    """

    def more(reached: float | None, doubled: float | None) -> int | None:
        error = 1 - (reached or 0.0)
        if error <= 1 - target:
            return 0
        falls = _power(1 - at_curve, doubled or 0.0)
        times = (error / (1 - target)) ** (1 / falls) if falls > 0.01 else inf
        return ceil(labels * (times - 1)) if times <= farthest else None

    return Range(
        more(accuracy.value, gain.value),
        more(accuracy.high, gain.high),
        more(accuracy.low, gain.low),
    )


def _power(error: float, gain: float) -> float:
    """The power with which the error falls when doubled labels take so much of it away."""
    if gain <= 0 or error <= 0:
        return 0.0
    return log2(error / max(error - gain, 1e-3 * error))


def images_to_be_sure(target: float, share: float) -> int | None:
    """Images of a holdout on which such a share correct has its interval above the target.

    ``None`` where the two are so close that more than a hundred thousand would not tell.
    """
    apart = share - target
    if apart <= 0:
        return None
    n = ceil(Z * Z * target * (1 - target) / apart**2)
    while n <= 100_000:
        if wilson(round(share * n), n)[0] >= target:
            return n
        n = ceil(1.05 * n)
    return None
