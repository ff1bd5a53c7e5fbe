"""`annoloop storage setup`."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.storage import SetupCommands, SetupReport

from annolooop.commands.storage.steps import YES, _confirmed, _show_steps


def setup(
    console: Console,
    yes: YES = False,
    print_: Annotated[
        Literal["aws", "gcp", "azure"] | None,
        typer.Option(
            "--print",
            help="Print commands of the cloud's own instead, asking it nothing.",
        ),
    ] = None,
) -> "SetupReport | SetupCommands":
    """Make the bucket, its CORS rules, and rights for a key.

    Shows what is to be done first; what is there already stays as it is. If it takes other
    credentials than the stack file's, give them for this once: --set s3.access_key=null --set
    s3.secret_key=null --set s3.profile=admin.
    """
    from annolooop.loop.setup import storage as loop
    from annolooop.stack import open_stack

    if print_:
        return loop.setup_commands(open_stack(console, unread=True), print_)
    stack = open_stack(console)
    if not yes:
        plan = loop.setup(stack, apply=False)
        if not plan.pending or not _confirmed(console, plan, "Do this?"):
            return plan
    return loop.setup(stack, apply=True)


def show_setup(console: Console, report: "SetupReport | SetupCommands") -> None:
    """Print a line for each part, or the commands."""
    from annolooop.loop.setup.storage import SetupCommands

    if isinstance(report, SetupCommands):
        console.print(report.commands.rstrip("\n"))
        return
    _show_steps(console, report)
    if report.pending:
        console.next("annoloop storage setup --yes")
    elif not report.exit_code:
        console.next("annoloop storage check")
