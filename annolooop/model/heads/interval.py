"""The interval of a share. Without numpy: `stats` asks for it, too."""

from math import sqrt

from annolooop.domain.versions import Estimate

Z = 1.96  # standard deviations on either side that hold 95 % of a normal distribution


def share(successes: int, n: int) -> Estimate:
    """A share with its interval, 95 %; nothing where there were no trials."""
    return Estimate(successes / n, *wilson(successes, n)) if n else Estimate()


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927), 95 %.

    Raises:
        ValueError: ``n`` is 0.
    """
    if n == 0:
        raise ValueError("an interval needs at least one trial")
    p = successes / n
    centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, centre - half), min(1.0, centre + half)
