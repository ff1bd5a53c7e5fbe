"""`annoloop status`: whether Label Studio runs."""

from typing import TYPE_CHECKING

from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import LoopState, next_step

if TYPE_CHECKING:
    from annolooop.loop.setup.server import StatusReport


def status(console: Console) -> "StatusReport":
    """Show whether Label Studio runs, and where."""
    from annolooop.loop.setup.server import status
    from annolooop.stack import open_stack

    return status(open_stack(console))


def print_status(console: Console, report: "StatusReport") -> None:
    """Print a line for each fact that is known."""
    state = "runs" if report.running else "does not run"
    console.print(" ".join(filter(None, ("Label Studio", report.version, state))))
    rows = {"url": report.url, "pid": report.pid, "data": report.data_dir, "log": report.log}
    for key, value in rows.items():
        if value is not None:
            console.print(f"  {key:<5} {value}")
    console.next(*next_step(LoopState(running=report.running, model=None)))
