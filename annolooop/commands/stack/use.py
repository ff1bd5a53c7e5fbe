"""`annoloop stack use`: choose one of several stack files."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackUseReport


def use(
    console: Console,
    name: Annotated[
        str,
        typer.Argument(help="Name of the stack.", autocompletion=completion.stacks),
    ],
) -> "StackUseReport":
    """Choose the stack file that commands in this folder use.

    The choice is kept in the file .annoloop-stack. The option --stack and the variable
    ANNOLOOP_STACK take precedence over it.
    """
    from annolooop.loop.setup.stacks import use

    return use(name)


def print_use(console: Console, report: "StackUseReport") -> None:
    """Print which one is chosen now."""
    console.print(f"{report.name} is chosen in this folder ({report.file})")
    if report.overruled_by:
        console.say(f"But {report.overruled_by} is set and takes precedence.")
        console.next(f"unset {report.overruled_by[1:]}")
    else:
        console.next("annoloop stack check")
