"""`annoloop model promote`: choose the current model version."""

from typing import TYPE_CHECKING

from annolooop.commands.model.version import VERSION
from annolooop.console.console import Console

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
        console.next("annoloop infer --rerun", "to show people its predictions")
    else:
        console.print(f"{report.model_version} was current already")
        console.next("annoloop model list")
