"""`annoloop dataset adopt`: use a project that people made in Label Studio."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.dataset.adopt import AdoptReport


def adopt(
    console: Console,
    project: Annotated[str, typer.Argument(help="Title or id of a Label Studio project.")],
) -> "AdoptReport":
    """Use an existing Label Studio project.

    Examples:
      annoloop dataset adopt "My photos"
      annoloop dataset adopt 12

    The project gets the labels that are missing in it, shows predictions, and asks the least sure
    tasks first. After that, `annoloop sync` copies its images into the store, and writes their
    keys into the data of its tasks.
    """
    from annolooop.loop.dataset.adopt import adopt
    from annolooop.stack import open_stack

    return adopt(open_stack(console), project)


def print_adopt(console: Console, report: "AdoptReport") -> None:
    """Print the project, its labels, and what was added."""
    console.print(
        f"{report.title} ({report.project}) is the project of {report.dataset}: "
        f"{counted(report.tasks, 'task')}, {counted(report.annotations, 'annotation')}"
    )
    console.print(f"labels: {', '.join(report.labels)}")
    if report.labels_added:
        console.print(f"added: {', '.join(report.labels_added)}")
    for line in report.advice:
        console.say(line)
    console.next("annoloop sync")
