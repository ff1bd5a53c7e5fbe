"""`annoloop down`: stop Label Studio."""

from typing import TYPE_CHECKING

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.server import DownReport


def down(console: Console) -> "DownReport":
    """Stop the Label Studio that `annoloop up` started."""
    from annolooop.loop.setup.server import down
    from annolooop.stack import open_stack

    return down(open_stack(console))


def print_down(console: Console, report: "DownReport") -> None:
    """Print whether a server was stopped."""
    console.print("Label Studio stopped." if report.stopped else "Label Studio was not running.")
    console.next("annoloop up")
