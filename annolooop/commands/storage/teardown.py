"""`annoloop storage teardown`: remove what setup made."""

from typing import TYPE_CHECKING

from annolooop.commands.storage.steps import YES, confirm_steps, print_steps
from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.teardown import TeardownReport


def teardown(console: Console, yes: YES = False) -> "TeardownReport":
    """Remove what `storage setup` made.

    Images, snapshots and models stay, and so do the rules and rights of others and a bucket that
    is not empty.
    """
    from annolooop.loop.setup.teardown import teardown
    from annolooop.stack import open_stack

    stack = open_stack(console)
    if not yes:
        plan = teardown(stack, apply=False)
        if not plan.pending or not confirm_steps(console, plan, "Remove it?"):
            return plan
    return teardown(stack, apply=True)


def print_teardown(console: Console, report: "TeardownReport") -> None:
    """Print a line for each part."""
    print_steps(console, report)
    if report.pending:
        console.next_typed("--yes")
