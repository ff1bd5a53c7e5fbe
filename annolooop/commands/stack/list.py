"""`annoloop stack list`: the stack files of a folder."""

from shlex import quote
from typing import TYPE_CHECKING

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackListReport


def list_(console: Console) -> "StackListReport":
    """List the stack files of this folder."""
    from annolooop.loop.setup.stacks import list_named

    return list_named(console.options.stack)


def print_list(console: Console, report: "StackListReport") -> None:
    """Print a table, and the errors of invalid files below it."""
    if report.stacks:
        console.table(
            ("stack", "", "file", "dataset", "store"),
            [
                (r.name, "chosen" if r.active else "", r.file, r.dataset, r.store)
                for r in report.stacks
            ],
            ("store", "file"),
        )
    for row in report.stacks:
        if row.error:
            console.print(f"{row.name} is invalid: {row.error}")
    if report.problem:
        console.print(f"none is chosen: {report.problem}")
    other = next((r for r in report.stacks if not r.active and not r.error), None)
    console.next(f"annoloop stack use {quote(other.name)}" if other else "annoloop stack copy NEW")
