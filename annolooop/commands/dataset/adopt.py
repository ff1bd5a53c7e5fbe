"""`annoloop dataset adopt`."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.dataset.adopt import AdoptReport


def adopt(
    console: Console,
    project: Annotated[str, typer.Argument(help="Title or id of a Label Studio project.")],
) -> "AdoptReport":
    """Make a project of Label Studio that of the stack's dataset.

    The project gets the labels that it lacks, shows predictions, and serves the least sure tasks
    first. `annoloop sync` then copies its images into the store, and notes their keys in the
    data of its tasks.
    """
    from annolooop.loop.dataset.adopt import adopt as run
    from annolooop.stack import open_stack

    return run(open_stack(console), project)


def show_adopted(console: Console, report: "AdoptReport") -> None:
    """Print what was taken over."""
    console.print(
        f"{report.title} ({report.project}) is the project of {report.dataset}: "
        f"{counted(report.tasks, 'task')}, {counted(report.annotations, 'annotation')}"
    )
    console.print(f"labels: {', '.join(report.labels)}")
    if report.labels_added:
        console.print(f"added: {', '.join(report.labels_added)}")
    console.next("annoloop sync")
