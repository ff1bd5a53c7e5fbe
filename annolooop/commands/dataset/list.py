"""`annoloop dataset list`: the datasets of the store and of Label Studio."""

from shlex import quote
from typing import TYPE_CHECKING

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.dataset.datasets import DatasetListReport


def list_(console: Console) -> "DatasetListReport":
    """List the datasets of the store and of Label Studio."""
    from annolooop.loop.dataset.datasets import list_datasets
    from annolooop.stack import open_stack

    return list_datasets(open_stack(console))


def print_list(console: Console, report: "DatasetListReport") -> None:
    """Print a table."""
    if not report.datasets:
        console.print("no datasets yet")
        console.next("annoloop train")
        return
    console.table(
        ("dataset", "tasks", "labelled", "model version"),
        [(r.name, r.tasks, r.labeled, r.model_version) for r in report.datasets],
    )
    console.next(f"annoloop dataset stats {quote(report.datasets[0].name)}")
