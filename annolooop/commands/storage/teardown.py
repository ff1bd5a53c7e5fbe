"""`annoloop storage teardown`."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.teardown import TeardownReport

from annolooop.commands.storage.steps import YES, _confirmed, _show_steps


def teardown(console: Console, yes: YES = False) -> "TeardownReport":
    """Remove what setup made; no image, snapshot or model.

    Rules and rights of others stay, and so does a bucket that is not empty.
    """
    from annolooop.loop.setup import teardown as loop
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
