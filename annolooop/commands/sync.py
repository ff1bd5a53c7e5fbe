"""`annoloop sync`: annotations into the store, missing tasks into Label Studio."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.reports import SyncReport


def sync(
    console: Console,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; count what is to be done, exit 2 if any."),
    ] = False,
) -> "SyncReport":
    """Pull annotations into a snapshot; push what is missing.

    Missing are tasks for images of the dataset, and predictions of tasks that have none.
    """
    from annolooop.loop.sync import sync as run
    from annolooop.stack import open_stack

    return run(open_stack(console), check, console.track)


def show(console: Console, report: "SyncReport") -> None:
    """Print what changed on either side."""
    if report.relabel:
        console.print("to change: the labels that the project asks for")
    if report.collected:
        verb = "to collect" if report.check else "collected"
        console.print(f"{verb}: images of {report.collected} tasks that people uploaded")
    console.reasons("unreadable", report.unreadable)
    console.print(
        f"annotations: {report.created} created, {report.updated} updated, "
        f"{report.deleted} deleted since the last snapshot"
    )
    if report.snapshot:
        console.print(
            f"snapshot {report.snapshot}: {report.labeled} labelled, {report.skipped} skipped"
        )
    verb = "to push" if report.check else "pushed"
    console.print(f"{verb}: {report.tasks_created} tasks, {report.predictions_pushed} predictions")
    if report.check:
        console.next("annoloop sync" if report.exit_code else "annoloop stats")
    elif report.labeled:
        console.next("annoloop train --rerun")
    else:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")
