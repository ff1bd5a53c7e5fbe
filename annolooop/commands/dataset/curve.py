"""`annoloop dataset curve`: whether more labels are worth it."""

from typing import TYPE_CHECKING

from annolooop.commands.dataset.arguments import NAME_IF_OTHER, OFFLINE
from annolooop.commands.wording import source
from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import next_step

if TYPE_CHECKING:
    from annolooop.domain.versions import Estimate
    from annolooop.loop.quality.curve import CurveReport

WIDEST_PLOT = 50  # cells


def curve(console: Console, name: NAME_IF_OTHER = None, offline: OFFLINE = False) -> "CurveReport":
    """Show whether more labels would help.

    It shows how accuracy grew with the labels, and what as many again would add. Heads are fitted
    on 25, 50, 75 and 100 % of the labels that people gave. They are measured on the holdout if it
    has at least 100 images, else on images that a head did not learn from. Nothing is written.
    """
    from annolooop.loop.quality.curve import curve
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return curve(stack, name or stack.config.dataset.name, offline, console.track)


def print_curve(console: Console, report: "CurveReport") -> None:
    """Print a small plot with intervals, and the verdict."""
    judges = "images of the holdout" if report.judged_by == "holdout" else "images, out of fold"
    console.print(
        f"{report.dataset}: accuracy by labels in all, measured on {report.judges} {judges}"
    )
    console.print(f"annotations from {source(report.live, report.as_of, report.why_not_live)}")
    rows = [(f"{p.labels}", p.accuracy) for p in report.points]
    rows.append((f"{report.forecast.labels} ?", report.forecast.accuracy))
    low = min(a.low or 0.0 for _, a in rows)
    figures = [_percent(accuracy) for _, accuracy in rows]
    # What is left of a line beside the count and the figures; too little is no plot.
    width = min(WIDEST_PLOT, console.width - max(map(len, figures)) - 13)
    for (labels, accuracy), figure in zip(rows, figures, strict=True):
        bar = f"{_bar(accuracy, low, width)}  " if width >= 8 else ""
        console.print(f"{labels:>8}  {bar}{figure}")
    console.print(f"verdict: {report.verdict}")
    console.print(f"{'stop' if report.stop else 'go on'}: {report.why}")
    console.reasons("left out", report.left_out)
    console.next(*next_step(report.state))


def _bar(accuracy: "Estimate", low: float, width: int) -> str:
    """The interval as a line, and the accuracy in it; the scale ends at 1."""

    def place(value: float) -> int:
        return round((value - low) / max(1 - low, 1e-9) * (width - 1))

    cells = [" "] * width
    for at in range(place(accuracy.low or 0.0), place(accuracy.high or 1.0) + 1):
        cells[at] = "-"
    cells[place(accuracy.value or 0.0)] = "o"
    return "".join(cells)


def _percent(accuracy: "Estimate") -> str:
    low, value, high = accuracy.low or 0.0, accuracy.value or 0.0, accuracy.high or 1.0
    return f"{value:.1%} ({low:.1%} to {high:.1%})"
