"""`annoloop stack`: what the stack file says, and which one is in force."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from annolooop import completion
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.reports import StackCopyReport, StackListReport, StackReport, StackUseReport


def list_(console: Console) -> "StackListReport":
    """List the stack files of this folder."""
    from annolooop.loop.stacks import list_named

    return list_named(console.options.stack)


def show_list(console: Console, report: "StackListReport") -> None:
    """Print a table, and below it what is wrong with files."""
    if report.stacks:
        console.table(
            ("stack", "", "file", "dataset", "store"),
            [
                (r.name, "active" if r.active else "", r.file, r.dataset, r.store)
                for r in report.stacks
            ],
        )
    for row in report.stacks:
        if row.error:
            console.print(f"{row.name} is invalid: {row.error}")
    if report.problem:
        console.print(f"none is active: {report.problem}")
    other = next((r for r in report.stacks if not r.active and not r.error), None)
    console.next(f"annoloop stack use {quote(other.name)}" if other else "annoloop stack copy NEW")


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
    from annolooop.loop.stacks import use as run

    return run(name)


def show_use(console: Console, report: "StackUseReport") -> None:
    """Print which one is in force now."""
    console.print(f"{report.name} is in force in this folder ({report.file})")
    if report.overruled_by:
        console.say(f"But {report.overruled_by} is set, and goes before it.")
        console.next(f"unset {report.overruled_by[1:]}")
    else:
        console.next("annoloop stack check")


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
    from annolooop.loop.stacks import copy as run

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


def schema(console: Console) -> dict[str, Any]:
    """Print the JSON Schema of the stack file, for editors."""
    from annolooop.config import stack_schema

    return stack_schema()


def show_schema(console: Console, report: dict[str, Any]) -> None:
    """Print the schema itself, as --json does."""
    console.json(report)


def show_stack(console: Console) -> "StackReport":
    """Show the effective settings, and where each comes from."""
    from annolooop.loop.stacks import show

    return show(console.options.stack, console.options.overrides)


def show_settings(console: Console, report: "StackReport") -> None:
    """Print the settings as a table."""
    console.print(f"{report.file}, chosen by {report.chosen_by}")
    console.table(("key", "value", "origin"), [(r.key, r.value, r.origin) for r in report.settings])
    console.next("annoloop up")


def check(console: Console) -> "StackReport":
    """Validate the stack file."""
    return show_stack(console)


def show_check(console: Console, report: "StackReport") -> None:
    """Print that it is valid; what is wrong is an error."""
    console.print(f"{report.file} is valid")
    console.next("annoloop up")
