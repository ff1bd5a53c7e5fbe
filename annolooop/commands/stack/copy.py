"""`annoloop stack copy`: start another stack file."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackCopyReport


def copy(
    console: Console,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME] NEW",
            help="Stack to copy, by default the chosen one; and the name of the copy.",
            autocompletion=completion.stacks,
        ),
    ],
) -> "StackCopyReport":
    """Copy a stack file, with its comments.

    Examples:
      annoloop stack copy hats              # copy the chosen one
      annoloop stack copy clothes hats

    The copy is in the same folder, and nothing in it is changed. Change its dataset.name: until
    then, both files describe one dataset.
    """
    from annolooop.errors import UsageError
    from annolooop.loop.setup.stacks import copy

    if len(names) > 2:
        raise UsageError(
            f"stack copy takes one or two names, not {len(names)}",
            "Type: annoloop stack copy NAME NEW",
        )
    return copy(names[0] if len(names) == 2 else None, names[-1], console.options.stack)


def print_copy(console: Console, report: "StackCopyReport") -> None:
    """Print where the copy is, and what it shares with its source."""
    console.print(f"wrote {report.file}, a copy of {report.source}")
    if report.dataset:
        console.say(
            f"Both describe the dataset {report.dataset}, in one store and one project. For "
            f"another dataset, change dataset.name in {report.file}."
        )
    console.next(f"annoloop stack use {report.name}")
