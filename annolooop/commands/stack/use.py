"""`annoloop stack use`."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackUseReport


def use(
    console: Console,
    name: Annotated[
        str,
        typer.Argument(help="Name of the stack.", autocompletion=completion.stacks),
    ],
) -> "StackUseReport":
    """Make a stack the one in force in this folder.

    The choice is kept in the file .annoloop-stack. --stack and the variable ANNOLOOP_STACK go
    before it.
    """
    from annolooop.loop.setup.stacks import use as run

    return run(name)


def show_use(console: Console, report: "StackUseReport") -> None:
    """Print which one is in force now."""
    console.print(f"{report.name} is in force in this folder ({report.file})")
    if report.overruled_by:
        console.say(f"But {report.overruled_by} is set, and goes before it.")
        console.next(f"unset {report.overruled_by[1:]}")
    else:
        console.next("annoloop stack check")
