"""`annoloop logs`: the end of Label Studio's log."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.server import LogsReport


def logs(
    console: Console,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new lines too, until Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines.")] = 50,
) -> "LogsReport":
    """Show the last lines of Label Studio's log."""
    from annolooop.loop.setup.server import logs
    from annolooop.stack import open_stack

    stack = open_stack(console)
    report = logs(stack, lines)
    if follow and stack.daemon and not console.options.json:
        print_logs(console, report)
        try:
            for line in stack.daemon.follow_log():
                console.print(line)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
    return report


def print_logs(console: Console, report: "LogsReport") -> None:
    """Print the lines as they are."""
    for line in report.lines:
        console.print(line)
    if not report.lines:
        console.say(f"The log {report.path} is empty or does not exist yet.")
        console.next("annoloop up")
