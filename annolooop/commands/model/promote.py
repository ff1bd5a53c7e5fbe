"""`annoloop model promote`: choose the current model version."""

from typing import TYPE_CHECKING

from annolooop.commands.model.version import VERSION
from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import LoopState, next_step

if TYPE_CHECKING:
    from annolooop.loop.versions.versions import PromoteReport


def promote(console: Console, version: VERSION) -> "PromoteReport":
    """Make a model version the current one.

    Examples:
      annoloop model promote v3
    """
    from annolooop.loop.versions.versions import promote
    from annolooop.stack import open_stack

    return promote(open_stack(console), version)


def print_promote(console: Console, report: "PromoteReport") -> None:
    """Print which version is current now."""
    if report.changed:
        before = report.before or "not known"
        console.print(f"{report.model_version} is current; before, it was {before}")
        console.next(*next_step(LoopState(dataset=report.dataset, batch="", stale=True)))
    else:
        console.print(f"{report.model_version} was current already")
        console.next(*next_step(LoopState(dataset=report.dataset, looked=False)))
