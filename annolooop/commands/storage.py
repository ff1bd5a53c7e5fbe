"""`annoloop storage`: set up, check and take down what is around the store."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from annolooop.commands.doctor import show as show_checks
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.reports import DoctorReport, SetupCommands, SetupReport, TeardownReport

YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


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
    from annolooop.loop import setup as loop
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
    from annolooop.reports import SetupCommands

    if isinstance(report, SetupCommands):
        console.print(report.commands.rstrip("\n"))
        return
    _show_steps(console, report)
    if report.pending:
        console.next("annoloop storage setup --yes")
    elif not report.exit_code:
        console.next("annoloop storage check")


def check(console: Console) -> "DoctorReport":
    """Check the store: rights, conditions, signatures, CORS, clock.

    An object is written for it, and removed again.
    """
    from annolooop.loop.store_check import check_storage
    from annolooop.stack import open_stack

    return check_storage(open_stack(console))


def show_check(console: Console, report: "DoctorReport") -> None:
    """Print a line for each check, and the fix under those that need one."""
    show_checks(console, report, "annoloop doctor")


def teardown(console: Console, yes: YES = False) -> "TeardownReport":
    """Remove what setup made; no image, snapshot or model.

    Rules and rights of others stay, and so does a bucket that is not empty.
    """
    from annolooop.loop import teardown as loop
    from annolooop.stack import open_stack

    stack = open_stack(console)
    if not yes:
        plan = loop.teardown(stack, apply=False)
        if not plan.pending or not _confirmed(console, plan, "Remove this?"):
            return plan
    return loop.teardown(stack, apply=True)


def show_teardown(console: Console, report: "TeardownReport") -> None:
    """Print a line for each part."""
    _show_steps(console, report)
    if report.pending:
        console.next("annoloop storage teardown --yes")


def _show_steps(console: Console, report: "SetupReport") -> None:
    for line in _lines(report):
        console.print(line)


def _lines(report: "SetupReport") -> list[str]:
    lines = []
    for step in report.steps:
        lines.append(f"{step.status:<6} {step.name:<8} {step.detail}")
        if step.fix:
            lines.append(f"       {'':<8} fix: {step.fix}")
    return lines


def _confirmed(console: Console, plan: "SetupReport", question: str) -> bool:
    """Whether someone at a terminal said yes to the plan; without one, nobody did."""
    if not sys.stdin.isatty():
        return False
    try:
        return typer.confirm("\n".join([plan.store, *_lines(plan), question]), err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
