"""`annoloop dataset history`: the snapshots of a dataset's annotations."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import NAME_IF_OTHER
from annolooop.commands.wording import moment
from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import next_step

if TYPE_CHECKING:
    from annolooop.loop.dataset.history import HistoryReport, SnapshotRow


def history(
    console: Console,
    name: NAME_IF_OTHER = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Newest snapshots to show.")] = 20,
) -> "HistoryReport":
    """List the snapshots of a dataset's annotations.

    Examples:
      annoloop dataset history
      annoloop dataset export --snapshot 3 --format csv --out labels-3.csv
      annoloop restore --snapshot 3

    `sync` and `train --rerun` store a snapshot of all annotations when something changed. None is
    ever removed, but by `dataset delete`.
    """
    from annolooop.loop.dataset.history import history
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return history(stack, name or stack.config.dataset.name, limit)


def print_history(console: Console, report: "HistoryReport") -> None:
    """Print a table, the newest last."""
    if not report.snapshots:
        console.print(f"{report.dataset} has no snapshot yet: nothing was annotated and pulled")
        console.next(*next_step(report.state))
        return
    console.table(
        ("snapshot", "when", "answers", "labelled", "skipped", "since the one before", "by"),
        [
            (
                row.number,
                moment(row.created_at),
                row.answers,
                row.labeled,
                row.skipped,
                _changes(row),
                row.by,
            )
            for row in report.snapshots
        ],
    )
    if report.total > len(report.snapshots):
        console.say(f"There are {report.total} snapshots: --limit {report.total} shows all.")
    console.next(*next_step(report.state))


def _changes(row: "SnapshotRow") -> str:
    parts = [("+", row.created), ("~", row.updated), ("-", row.deleted)]
    text = " ".join(f"{sign}{count}" for sign, count in parts if count)
    return f"{text} (another project)" if row.another_project else text
