"""`annoloop report`: one page about the dataset and its model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import NAME_IF_OTHER, OFFLINE
from annolooop.commands.wording import size, source
from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.report.report import PageReport


def report(
    console: Console,
    name: NAME_IF_OTHER = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write; default: DATASET-report.html in this folder."),
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    points: Annotated[
        int,
        typer.Option("--points", min=0, max=5000, help="Images on the map; each one is read."),
    ] = 2000,
    offline: OFFLINE = False,
    anonymous: Annotated[
        bool,
        typer.Option("--anonymous", help="Call people person 1, 2, ...; no links to tasks."),
    ] = False,
) -> "PageReport":
    """Write one HTML file about the dataset and its model.

    Examples:
      annoloop report --open
      annoloop report --out /tmp/report.html --offline
      annoloop report --anonymous --out for-others.html

    Figures and thumbnails are inside the file: it needs no other file and no network.
    """
    from annolooop.loop.report.report import ReportOptions, report
    from annolooop.stack import open_stack

    stack = open_stack(console)
    options = ReportOptions(out, points, offline, browse, anonymous)
    return report(stack, name or stack.config.dataset.name, options, console.track)


def print_report(console: Console, report: "PageReport") -> None:
    """Print where the file is, and what is missing in it."""
    from annolooop.page.words import facts

    console.print(
        f"{report.out}: {size(report.bytes)}, {report.points} images on the map, "
        f"{report.seconds:.1f} s"
    )
    console.print(f"annotations from {source(report.live, report.as_of, report.why_not_live)}")
    console.print(f"{report.verdict.title}: {report.verdict.text}")
    for fact in facts(report.verdict, report.effort, report.created_at):
        console.print(f"{fact.name}: {fact.value}; {fact.detail}")
    for change in report.since.changes:
        console.print(f"since {report.since.created_at[:10]}: {change}")
    console.print(f"what comes next: {report.next}")
    if report.reviews:
        found = ", ".join(f"{n} {outcome}" for outcome, n in report.reviews.items())
        console.print(f"labels that a review asked about: {found}")
    for part, why in report.missing.items():
        console.print(f"missing in it: {part}: {why}")
    if not report.opened:
        console.say("Open it in a browser, or add --open.")
    if not report.next_command.startswith("annoloop report"):
        console.next(report.next_command)
