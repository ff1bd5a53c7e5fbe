"""`annoloop down`: stop Label Studio."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.server import DownReport


def down(console: Console) -> "DownReport":
    """Stop the Label Studio that `up` started, and wait for its end."""
    from annolooop.loop.setup import server as studio
    from annolooop.stack import open_stack

    return studio.down(open_stack(console))


def show_down(console: Console, report: "DownReport") -> None:
    """Print whether anything was stopped."""
    console.print("Label Studio stopped." if report.stopped else "Label Studio was not running.")
    console.next("annoloop up")
