"""`annoloop up`: start Label Studio."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import LoopState, next_step

if TYPE_CHECKING:
    from annolooop.loop.setup.server import UpReport


def up(
    console: Console,
    refresh_storage: Annotated[
        bool,
        typer.Option(
            "--refresh-storage", help="Send Label Studio the bucket's credentials once more."
        ),
    ] = False,
) -> "UpReport":
    """Start Label Studio; install it first where it is missing.

    Examples:
      annoloop up
      annoloop up --refresh-storage     # after the bucket's credentials changed
    """
    from annolooop.loop.setup.server import up
    from annolooop.stack import open_stack

    # Daily backups read the stack file alone: they go with what it says.
    watch = not console.options.overrides
    return up(open_stack(console), console.say, refresh_storage, watch)


def print_up(console: Console, report: "UpReport") -> None:
    """Print the address and how to log in."""
    state = "started" if report.started else "runs already"
    console.print(f"Label Studio {report.version} {state}: {report.url}")
    console.print(f"login: {report.username}")
    if report.credentials:
        console.print(f"password: in {report.credentials}")
    if report.refreshed is not None:
        console.print(f"projects with new credentials of the bucket: {report.refreshed}")
    if report.missing:
        own = "label_studio.command is no script of Python"
        why = own if report.credentials else "someone else runs this server"
        console.print(f"{why}, so its labelling page stays as it is:")
        for line in report.missing:
            console.print(f"- {line}")
    console.next(*next_step(LoopState(model=None)))
