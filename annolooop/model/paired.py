"""Whether one of two models is better, told from the same images."""

from scipy.stats import binomtest

LEVEL = 0.05  # highest p-value that counts as a difference


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact p-value of McNemar's test (McNemar 1947), two-sided.

    If both models were equally good, an image that one of them alone gets right would be as
    likely to be the first's as the second's. Images that both get right or wrong say nothing.

    Args:
        only_first, only_second: how many images one of the two alone gets right.
    """
    differing = only_first + only_second
    return float(binomtest(only_first, differing).pvalue) if differing else 1.0


def fewest_differing() -> int:
    """With fewer images that one model alone gets right, no outcome can reach ``LEVEL``."""
    count = 1
    while mcnemar(0, count) > LEVEL:
        count += 1
    return count
