"""`annoloop dataset launch`: open the tasks in the browser."""

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from annolooop.console.console import Console
from annolooop.errors import counted
from annolooop.loop.rounds.next_step import next_step

if TYPE_CHECKING:
    from annolooop.loop.dataset.datasets import LaunchReport

from annolooop.commands.dataset.arguments import BROWSER, NAME_IF_OTHER


def launch(
    console: Console,
    name: NAME_IF_OTHER = None,
    browser: BROWSER = True,
) -> "LaunchReport":
    """Open the tasks in the browser, logged in.

    Examples:
      annoloop dataset launch
      annoloop dataset launch --no-browser     # print the address

    It opens the queue of the last query, if there is one.
    """
    from annolooop.loop.dataset.datasets import launch
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return launch(stack, name or stack.config.dataset.name, browser)


def print_launch(console: Console, report: "LaunchReport") -> None:
    """Print the address, and how much of the queue is left."""
    console.print(report.url)
    if report.login_used_twice:
        console.say(
            "The login was asked for twice: somebody else may have come before your browser, and "
            "be logged in. To end all sessions, change the password: "
            f"{urljoin(report.url, '/admin/password_change/')}"
        )
    if report.interrupted:
        console.say(
            f"round {report.interrupted} was interrupted before its queue was made; this opens "
            f"the rest of round {report.round}"
        )
        console.next(*next_step(report.state))
        return
    if report.again:
        console.say(
            f"{counted(report.again, 'task')} with an answer that says nothing: choose a label and "
            f"update, in {report.again_url}"
        )
    if report.left:
        # Our own server keeps people in the tab of the round, whatever they click.
        stay = "" if report.login else " To stay in them, people click Label Tasks As Displayed."
        console.say(f"round {report.round}: {report.left} of {report.asked} tasks are left.{stay}")
    elif report.waiting:
        console.say(
            f"round {report.round}: {report.waiting} of {report.asked} tasks wait for another "
            "person"
        )
    elif report.round:
        console.say(f"all {report.asked} tasks of round {report.round} are answered")
    if report.login and not report.opened:
        console.say(f"The login is in the file {report.login}")
    console.next(*next_step(report.state))
