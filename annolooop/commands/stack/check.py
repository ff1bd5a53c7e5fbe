"""`annoloop stack check`."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackReport

from annolooop.commands.stack.show import show_stack


def check(console: Console) -> "StackReport":
    """Validate the stack file."""
    return show_stack(console)


def show_check(console: Console, report: "StackReport") -> None:
    """Print that it is valid; what is wrong is an error."""
    console.print(f"{report.file} is valid")
    console.next("annoloop up")
