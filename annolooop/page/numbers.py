"""Numbers as people read them."""

from annolooop.domain.versions import Estimate


def percent(value: float | None, digits: int = 1) -> str:
    """A share."""
    return "" if value is None else f"{100 * value:.{digits}f}\u00a0%"


def interval(estimate: Estimate) -> str:
    """The interval of a share, in per cent without the sign; empty if there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{100 * estimate.low:.1f} to {100 * estimate.high:.1f}"


def span(estimate: Estimate) -> str:
    """A share with its interval."""
    value, between = percent(estimate.value), interval(estimate)
    return f"{value} ({between})" if value and between else value


def number(n: int) -> str:
    """A number with narrow spaces between thousands."""
    return f"{n:,}".replace(",", "\u202f")


def day(iso: str) -> str:
    """The date of a time."""
    return iso[:10]


def hours(amount: float) -> str:
    """Hours of work: minutes where there are few, and no digits that nobody can know."""
    if amount < 1.5:
        return f"{max(1, round(60 * amount))}\u00a0min" if amount > 0 else "0\u00a0min"
    return f"{amount:.1f}\u00a0h" if amount < 10 else f"{number(round(amount))}\u00a0h"


def seconds(amount: float) -> str:
    """Seconds of one answer."""
    return f"{amount:.1f}\u00a0s" if amount < 10 else f"{round(amount)}\u00a0s"


def goal(share: float) -> str:
    """A share that somebody wrote, with the digits that they wrote."""
    return f"{round(100 * share, 6):g}\u00a0%"
