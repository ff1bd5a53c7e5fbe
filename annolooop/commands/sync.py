"""`annoloop sync`: annotations into the store, missing tasks into Label Studio."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console.console import Console
from annolooop.errors import counted
from annolooop.loop.rounds.next_step import next_step

if TYPE_CHECKING:
    from annolooop.loop.sync.sync import SyncReport


def sync(
    console: Console,
    check: Annotated[
        bool,
        typer.Option("--check", help="Change nothing; count what is to be done, exit 2 if any."),
    ] = False,
    mark_vanished: Annotated[
        bool,
        typer.Option(
            "--mark-vanished",
            help="Mark tasks of vanished images even if more than half of the images vanished.",
        ),
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Pull all annotations and list all tasks, not only changes; slow."
        ),
    ] = False,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Go on where many answers are missing in Label Studio, or are older than before.",
        ),
    ] = False,
) -> "SyncReport":
    """Pull annotations; push missing tasks and predictions.

    Examples:
      annoloop sync
      annoloop sync --check     # only count
      annoloop sync --full      # pull everything again

    Annotations go into a new snapshot. Missing are tasks of images of the dataset, and predictions
    of tasks that have none. It also reports objects that others added to the store, changed or
    removed since the last `infer`, and marks the tasks of images that vanished.

    It pulls what changed since the last sync. Once a week, and with --full, it pulls everything,
    which also finds changes that left no trace.

    Where more than a tenth of the answers are missing, where they are older than in the last
    snapshot, or where the project is another one, it changes nothing and ends with exit code 6.
    """
    from annolooop.loop.sync.sync import sync
    from annolooop.stack import open_stack

    return sync(open_stack(console), check, console.track, mark_vanished, full, accept_loss)


def print_sync(console: Console, report: "SyncReport") -> None:
    """Print what changed in the store and in Label Studio."""
    if report.relabel:
        console.print("to change: the labels of the project")
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
    if report.empty:
        console.print(
            f"not labelled: {counted(report.empty, 'task')} with an answer that says nothing"
        )
    console.reasons("not read", report.unreadable_answers)
    if report.again:
        console.print(f"to answer again: {report.again}")
    verb = "to push" if report.check else "pushed"
    console.print(
        f"{verb}: {counted(report.tasks_created, 'task')}, "
        f"{counted(report.predictions_pushed, 'prediction')}"
    )
    if report.doubled:
        console.print(f"there twice, and deleted once: {counted(report.doubled, 'item')}")
    if report.answered_twice:
        console.print(
            f"there twice, and answered twice: {counted(report.answered_twice, 'task')}; both stay"
        )
    console.objects("new in the store, not read by infer yet", report.new)
    console.objects("changed in the store", report.changed)
    console.objects("vanished from the store", report.vanished)
    verb = "to mark" if report.check else "marked"
    if report.marked:
        console.print(f"{verb} as vanished: {counted(report.marked, 'task')}")
    if report.unmarked:
        console.print(f"{verb} as present again: {counted(report.unmarked, 'task')}")
    if report.withheld:
        console.print(
            f"not marked as vanished: {counted(report.withheld, 'task')}, because more than half "
            "of the images vanished at once: their folder may only be missing for now"
        )
    if report.strange:
        console.print(
            f"not in this store: the images of all {counted(report.strange, 'task')}; its folder "
            "may be missing, or store.url may name another store"
        )
    for line in report.advice:
        console.say(line)
    _print_next(console, report)


def _print_next(console: Console, report: "SyncReport") -> None:
    for batch in report.batches:
        console.next(f"annoloop infer --batch {quote(batch)}", "to add the new images")
    if report.changed.count:
        console.next("annoloop infer", "to read the changed images")
    if report.withheld:
        console.next(
            "annoloop sync", "when they are back; if they are gone for good: --mark-vanished"
        )
    elif report.vanished.count:
        console.say("A vanished image comes back to the loop when it is put back into the store.")
    if report.strange:
        console.next("annoloop stack show", "to see store.url; then put the store there")
    elif report.check:
        console.next("annoloop sync" if report.to_do else "annoloop stats")
    else:
        console.next(*next_step(report.state))
