"""`annoloop model promote`."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.versions.versions import PromoteReport

from annolooop.commands.model.version import VERSION


def promote(console: Console, version: VERSION) -> "PromoteReport":
    """Put a model version in force."""
    from annolooop.loop.versions.versions import promote as run
    from annolooop.stack import open_stack

    return run(open_stack(console), version)


def show_promoted(console: Console, report: "PromoteReport") -> None:
    """Print which version is in force now."""
    if report.changed:
        console.print(f"{report.model_version} is in force, in the place of {report.before}")
        console.next("annoloop infer --rerun", "shows people its predictions")
    else:
        console.print(f"{report.model_version} was in force already")
        console.next("annoloop model list")
