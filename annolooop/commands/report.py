"""`annoloop report`: a page to look at and to show around."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import NAME_IF_OTHER, OFFLINE
from annolooop.commands.dataset.describe import based_on
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.report.report import PageReport


def report(
    console: Console,
    name: NAME_IF_OTHER = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; default: DATASET-report.html here.")
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    points: Annotated[
        int, typer.Option("--points", min=0, max=5000, help="Images on the map; each is read once.")
    ] = 2000,
    offline: OFFLINE = False,
) -> "PageReport":
    """Write one HTML file that shows how the dataset and its model are doing.

    The file needs nothing else, and no network: figures and thumbnails are in it. It can be read
    on a phone, in the dark, and on paper.
    """
    from annolooop.loop.report.report import ReportOptions
    from annolooop.loop.report.report import report as run
    from annolooop.stack import open_stack

    stack = open_stack(console)
    options = ReportOptions(out, points, offline, browse)
    return run(stack, name or stack.config.dataset.name, options, console.track)


def show(console: Console, report: "PageReport") -> None:
    """Print where it is, and what is not in it."""
    console.print(
        f"{report.out}: {report.bytes / 1e6:.1f} MB, {report.points} images on the map, "
        f"{report.seconds:.1f} s"
    )
    console.print(f"based on {based_on(report.live, report.as_of, report.why_not_live)}")
    for part, why in report.missing.items():
        console.print(f"not in it: {part}: {why}")
    if not report.opened:
        console.say("Open it in a browser, or add --open.")
