"""`annoloop dataset launch`."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.dataset.datasets import LaunchReport

from annolooop.commands.dataset.arguments import NAME


def launch(
    console: Console,
    name: NAME,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, or print the address.")
    ] = True,
) -> "LaunchReport":
    """Open the labelling stream in the browser, logged in: the queue of the last query, if any."""
    from annolooop.loop.dataset.datasets import launch as run
    from annolooop.stack import open_stack

    return run(open_stack(console), name, browser)


def show_launch(console: Console, report: "LaunchReport") -> None:
    """Print the address, and how much of the queue is left."""
    console.print(report.url)
    if report.interrupted:
        console.say(
            f"round {report.interrupted} was interrupted before it became the queue; open is "
            f"what is left of round {report.round}"
        )
        console.next("annoloop infer --query 50", "to ask again")
        return
    if report.left:
        console.say(
            f"round {report.round}: {report.left} of {report.asked} tasks are to be answered. If "
            "the page goes on to others: `Label Tasks As Displayed`, in the tab of the round."
        )
    elif report.waiting:
        console.say(
            f"round {report.round}: {report.waiting} of {report.asked} tasks wait for someone else"
        )
    elif report.round:
        console.say(f"all {report.asked} tasks of round {report.round} are answered")
        console.next("annoloop train --rerun", "and then annoloop infer --rerun --query 50")
        return
    if report.login and not report.opened:
        console.say(f"The login is in {report.login}")
    console.next(f"annoloop dataset stats {quote(report.dataset)}", "when some are annotated")
