"""Whether one of two models is better, from the same images."""

from scipy.stats import binomtest

LEVEL = 0.05  # highest p-value that counts as a difference


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact p-value of McNemar's test (McNemar 1947), two-sided.

    If both models were equally good, an image that one of them alone predicts correctly
    would be as likely to be the first's as the second's. Images that both predict correctly, or
    both wrongly, do not count.

    Args:
        only_first, only_second: how many images one of the two alone predicts correctly.
    """
    differing = only_first + only_second
    return float(binomtest(only_first, differing).pvalue) if differing else 1.0


def mcnemar_worse(only_first: int, only_second: int) -> float:
    """Exact p-value of McNemar's test, one-sided: low when the second model is worse."""
    differing = only_first + only_second
    if not differing:
        return 1.0
    return float(binomtest(only_first, differing, alternative="greater").pvalue)


def fewest_worse(level: float) -> int:
    """With fewer images that one model alone predicts correctly, no p-value is below this."""
    count = 1
    while mcnemar_worse(count, 0) >= level:
        count += 1
    return count


def fewest_differing() -> int:
    """With fewer images that one model alone predicts correctly, no outcome reaches ``LEVEL``."""
    count = 1
    while mcnemar(0, count) > LEVEL:
        count += 1
    return count
