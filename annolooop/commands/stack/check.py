"""`annoloop stack check`: whether the stack file is valid."""

from typing import TYPE_CHECKING

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackReport

from annolooop.commands.stack.show import show


def check(console: Console) -> "StackReport":
    """Check the stack file; an error names the line and the key."""
    return show(console)


def print_check(console: Console, report: "StackReport") -> None:
    """Print that it is valid; if not, that was an error."""
    console.print(f"{report.file} is valid")
    console.next("annoloop up")
