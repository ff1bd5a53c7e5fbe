"""`annoloop dataset curve`: whether more labels are worth it."""

from shlex import quote
from typing import TYPE_CHECKING

from annolooop.commands.dataset.arguments import NAME_IF_OTHER, OFFLINE
from annolooop.commands.dataset.describe import based_on
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.domain.versions import Estimate
    from annolooop.loop.quality.curve import CurveReport

WIDTH = 50  # characters of the plot


def curve(console: Console, name: NAME_IF_OTHER = None, offline: OFFLINE = False) -> "CurveReport":
    """Tell how accuracy grew with the labels, and what as many again would bring.

    Heads learn from 25, 50, 75 and 100 % of the labels that people gave. The holdout judges them
    where it has at least 100 images, else images that a head did not learn from. Nothing is
    written.
    """
    from annolooop.loop.quality.curve import curve as run
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return run(stack, name or stack.config.dataset.name, offline, console.track)


def show(console: Console, report: "CurveReport") -> None:
    """Print a small plot with bands, and the verdict."""
    judged = "images of the holdout" if report.judged_by == "holdout" else "images, out-of-fold"
    console.print(f"{report.dataset}: accuracy by labels, judged by {report.judges} {judged}")
    console.print(f"based on {based_on(report.live, report.as_of, report.why_not_live)}")
    rows = [(f"{p.labels}", p.accuracy) for p in report.points]
    rows.append((f"{report.forecast.labels} ?", report.forecast.accuracy))
    low = min(a.low or 0.0 for _, a in rows)
    for labels, accuracy in rows:
        console.print(f"{labels:>8}  {_bar(accuracy, low)}  {_told(accuracy)}")
    console.print(f"verdict: {report.verdict}")
    console.print(f"{'stop' if report.stop else 'go on'}: {report.why}")
    console.reasons("left out", report.left_out)
    if report.stop:
        console.next(f"annoloop dataset review {quote(report.dataset)}", "wrong labels, if any")
    else:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")


def _bar(accuracy: "Estimate", low: float) -> str:
    """The band as a line, and the accuracy in it; the scale ends at 1."""

    def place(value: float) -> int:
        return round((value - low) / max(1 - low, 1e-9) * (WIDTH - 1))

    drawn = [" "] * WIDTH
    for at in range(place(accuracy.low or 0.0), place(accuracy.high or 1.0) + 1):
        drawn[at] = "-"
    drawn[place(accuracy.value or 0.0)] = "o"
    return "".join(drawn)


def _told(accuracy: "Estimate") -> str:
    low, value, high = accuracy.low or 0.0, accuracy.value or 0.0, accuracy.high or 1.0
    return f"{value:.1%} ({low:.1%} to {high:.1%})"
