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
