"""`annoloop sync`: annotations into the store, missing tasks into Label Studio."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.sync.sync import SyncReport


def sync(
    console: Console,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; count what is to be done, exit 2 if any."),
    ] = False,
    mark_vanished: Annotated[
        bool,
        typer.Option(
            "--mark-vanished",
            help="Mark tasks of vanished images, even if more than half of the images are gone.",
        ),
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Pull all annotations and list all tasks, not only what changed; slow."
        ),
    ] = False,
) -> "SyncReport":
    """Pull annotations into a snapshot; push what is missing.

    Missing are tasks for images of the dataset, and predictions of tasks that have none. It also
    tells what others put into the store, changed there or took away since `infer` was there, and
    marks the tasks of images that are gone.

    Pulled is what changed since the last time; once a week, and with --full, everything: that also
    finds what changed without leaving a trace. With --full all tasks are listed as well: type it
    after a copy of the server's database was put back.
    """
    from annolooop.loop.sync.sync import sync as run
    from annolooop.stack import open_stack

    return run(open_stack(console), check, console.track, mark_vanished, full)


def show(console: Console, report: "SyncReport") -> None:
    """Print what changed on either side."""
    if report.relabel:
        console.print("to change: the labels that the project asks for")
    if report.collected:
        verb = "to collect" if report.check else "collected"
        console.print(f"{verb}: images of {counted(report.collected, 'task')} that people uploaded")
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
    console.print(
        f"{verb}: {counted(report.tasks_created, 'task')}, "
        f"{counted(report.predictions_pushed, 'prediction')}"
    )
    console.objects("new in the store, not seen by infer yet", report.new)
    console.objects("changed in the store", report.changed)
    console.objects("vanished from the store", report.vanished)
    verb = "to mark" if report.check else "marked"
    if report.marked:
        console.print(f"{verb} as vanished: {counted(report.marked, 'task')}")
    if report.unmarked:
        console.print(f"{verb} as back: {counted(report.unmarked, 'task')}")
    if report.withheld:
        console.print(
            f"not marked as vanished: {counted(report.withheld, 'task')}, since more than half of "
            "the images are gone at once, as if their folder were not there"
        )
    if report.strange:
        console.print(
            f"not in this store: the images of all {counted(report.strange, 'task')}, as if its "
            "folder were not there, or store.url another one"
        )
    _show_next(console, report)


def _show_next(console: Console, report: "SyncReport") -> None:
    for batch in report.batches:
        console.next(f"annoloop infer --batch {quote(batch)}", "to take in what is new")
    if report.changed.count:
        console.next("annoloop infer", "to read what changed")
    if report.withheld:
        console.next(
            "annoloop sync", "after they are put back; if they are gone for good: --mark-vanished"
        )
    elif report.vanished.count:
        console.say("What vanished comes back to the loop when it is put back.")
    if report.strange:
        console.next("annoloop stack show", "to see store.url; then put the store there")
    elif report.check:
        console.next("annoloop sync" if report.to_do else "annoloop stats")
    elif report.labeled:
        console.next("annoloop train --rerun")
    else:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")
