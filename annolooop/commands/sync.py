"""`annoloop sync`: annotations into the store, missing tasks into Label Studio."""

from shlex import quote

from annolooop.console import Console
from annolooop.records import SyncReport


def sync(console: Console) -> SyncReport:
    """Pull annotations into a snapshot of the dataset; push what Label Studio lacks."""
    from annolooop.loop.sync import sync as run
    from annolooop.stack import open_stack

    return run(open_stack(console), console.track)


def show(console: Console, report: SyncReport) -> None:
    """Print what changed on either side."""
    console.print(
        f"annotations: {report.created} created, {report.updated} updated, "
        f"{report.deleted} deleted since the last snapshot"
    )
    if report.snapshot:
        console.print(
            f"snapshot {report.snapshot}: {report.labeled} labelled, {report.skipped} skipped"
        )
    console.print(f"pushed: {report.tasks_created} tasks, {report.predictions_pushed} predictions")
    if report.labeled:
        console.next("annoloop train --rerun")
    else:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")
