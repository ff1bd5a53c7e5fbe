"""Figures, times, sizes and sources in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from annolooop.domain.versions import Estimate
    from annolooop.loop.versions.headline import Headline


def estimate(figure: "Estimate", digits: int = 3) -> str:
    """A figure with its 95 % interval; ``-`` where there is none."""
    if figure.value is None:
        return "-"
    value = f"{figure.value:.{digits}f}"
    if figure.low is None or figure.high is None:
        return value
    return f"{value} ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def short_estimate(figure: "Estimate") -> str:
    """The same in two digits and few cells, for a line of several figures."""
    return estimate(figure, 2).replace(" to ", "-")


def describe_headline(headline: "Headline") -> str:
    """The accuracy to go by, what it was measured on, and whether that is enough."""
    from annolooop.loop.versions.headline import EARLY, HOLDOUT

    where = "of the holdout" if headline.by == HOLDOUT else "in cross-validation"
    text = f"accuracy {estimate(headline.accuracy)} on {headline.n} images {where}"
    return f"{text}; {EARLY}" if headline.early else text


def size(count: float) -> str:
    """A number of bytes, in units of 1000."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"


def moment(iso: str) -> str:
    """A time in UTC, to the minute."""
    return f"{iso[:16].replace('T', ' ')} UTC"


def source(live: bool, as_of: str, why_not: str) -> str:
    """Where a report's annotations were read.

    Args:
        live: from Label Studio, else from the last snapshot.
        as_of: time of that snapshot; empty where there is none.
        why_not: why they were not read from Label Studio.
    """
    if live:
        return "Label Studio, now"
    snapshot = f"the last snapshot, {moment(as_of)}" if as_of else "no snapshot: there is none yet"
    return f"{snapshot} ({why_not})"
