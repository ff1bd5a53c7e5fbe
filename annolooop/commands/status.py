"""`annoloop status`: whether Label Studio runs."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.server import StatusReport


def status(console: Console) -> "StatusReport":
    """Tell whether Label Studio runs."""
    from annolooop.loop.setup import server as studio
    from annolooop.stack import open_stack

    return studio.status(open_stack(console))


def show_status(console: Console, report: "StatusReport") -> None:
    """Print it in a few lines."""
    state = "runs" if report.running else "does not run"
    console.print(f"Label Studio {report.version or ''} {state}".replace("  ", " "))
    rows = {"url": report.url, "pid": report.pid, "data": report.data_dir, "log": report.log}
    for key, value in rows.items():
        if value is not None:
            console.print(f"  {key:<5} {value}")
    console.next("annoloop train" if report.running else "annoloop up")
