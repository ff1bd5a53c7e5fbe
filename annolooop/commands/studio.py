"""`annoloop up`, `down`, `status`, `logs`: the Label Studio server."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.reports import DownReport, LogsReport, StatusReport, UpReport


def up(
    console: Console,
    refresh_storage: Annotated[
        bool,
        typer.Option(
            "--refresh-storage", help="Give Label Studio the credentials of the bucket anew."
        ),
    ] = False,
) -> "UpReport":
    """Start Label Studio, ready to use; install it first if need be."""
    from annolooop.loop import studio
    from annolooop.stack import open_stack

    return studio.up(open_stack(console), console.say, refresh_storage)


def show_up(console: Console, report: "UpReport") -> None:
    """Print where it is and how to log in."""
    what = "started" if report.started else "runs already"
    console.print(f"Label Studio {report.version} {what}: {report.url}")
    console.print(f"login: {report.username}")
    if report.credentials:
        console.print(f"password: in {report.credentials}")
    if report.refreshed is not None:
        console.print(f"projects that got the credentials of the bucket: {report.refreshed}")
    console.next("annoloop train")


def down(console: Console) -> "DownReport":
    """Stop the Label Studio that `up` started, and wait for its end."""
    from annolooop.loop import studio
    from annolooop.stack import open_stack

    return studio.down(open_stack(console))


def show_down(console: Console, report: "DownReport") -> None:
    """Print whether anything was stopped."""
    console.print("Label Studio stopped." if report.stopped else "Label Studio was not running.")
    console.next("annoloop up")


def status(console: Console) -> "StatusReport":
    """Tell whether Label Studio runs."""
    from annolooop.loop import studio
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


def logs(
    console: Console,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines to show.")] = 50,
) -> "LogsReport":
    """Show the end of Label Studio's log."""
    from annolooop.loop import studio
    from annolooop.stack import open_stack

    stack = open_stack(console)
    report = studio.logs(stack, lines)
    if follow and stack.daemon and not console.options.json:
        show_logs(console, report)
        try:
            for line in stack.daemon.follow_log():
                console.print(line)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
    return report


def show_logs(console: Console, report: "LogsReport") -> None:
    """Print the lines as they are."""
    for line in report.lines:
        console.print(line)
    if not report.lines:
        console.say(f"{report.path} is empty or not there yet.")
        console.next("annoloop up")
