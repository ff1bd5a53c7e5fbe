"""`annoloop logs`: the end of Label Studio's log."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.server import LogsReport


def logs(
    console: Console,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines to show.")] = 50,
) -> "LogsReport":
    """Show the end of Label Studio's log."""
    from annolooop.loop.setup import server as studio
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
