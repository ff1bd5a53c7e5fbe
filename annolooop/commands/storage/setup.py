"""`annoloop storage setup`: make the bucket ready."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from annolooop.commands.storage.steps import YES, confirm_steps, print_steps
from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.storage import SetupCommands, SetupReport


def setup(
    console: Console,
    yes: YES = False,
    print_: Annotated[
        Literal["aws", "gcp", "azure"] | None,
        typer.Option(
            "--print",
            help="Only print the same as commands of the cloud's own program.",
        ),
    ] = None,
) -> "SetupReport | SetupCommands":
    """Make the bucket, its CORS rules, and rights for a key.

    Examples:
      annoloop storage setup
      annoloop storage setup --print aws     # only print commands

    It first shows what is to be done; what exists stays as it is. If that needs other credentials
    than those in the stack file, give them for this once: --set s3.access_key=null --set
    s3.secret_key=null --set s3.profile=admin.
    """
    from annolooop.loop.setup.storage import setup, setup_commands
    from annolooop.stack import open_stack

    if print_:
        return setup_commands(open_stack(console, unread=True), print_)
    stack = open_stack(console)
    if not yes:
        plan = setup(stack, apply=False)
        if not plan.pending or not confirm_steps(console, plan, "Do it?"):
            return plan
    return setup(stack, apply=True)


def print_setup(console: Console, report: "SetupReport | SetupCommands") -> None:
    """Print a line for each part, or the commands."""
    from annolooop.loop.setup.storage import SetupCommands

    if isinstance(report, SetupCommands):
        console.print(report.commands.rstrip("\n"))
        return
    print_steps(console, report)
    if report.pending:
        console.next_typed("--yes")
    elif not report.exit_code:
        console.next("annoloop storage check")
