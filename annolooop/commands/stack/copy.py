"""`annoloop stack copy`."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackCopyReport


def copy(
    console: Console,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME] NEW",
            help="Stack to copy, by default the one in force; and the name of the copy.",
            autocompletion=completion.stacks,
        ),
    ],
) -> "StackCopyReport":
    """Copy a stack file, with its comments, to start another one.

    The copy lies beside its source, and nothing in it is changed. Until dataset.name is, both are
    settings for one dataset.
    """
    from annolooop.errors import UsageError
    from annolooop.loop.setup.stacks import copy as run

    if len(names) > 2:
        raise UsageError(
            f"{len(names)} names are given", "Type: annoloop stack copy NAME NEW, or: copy NEW"
        )
    return run(names[0] if len(names) == 2 else None, names[-1], console.options.stack)


def show_copy(console: Console, report: "StackCopyReport") -> None:
    """Print where the copy is, and what it shares with its source."""
    console.print(f"wrote {report.file}, a copy of {report.source}")
    if report.dataset:
        console.say(
            f"Both describe the dataset {report.dataset}, in one store and one project: for "
            f"images of another kind, change dataset.name in {report.file}."
        )
    console.next(f"annoloop stack use {report.name}")
