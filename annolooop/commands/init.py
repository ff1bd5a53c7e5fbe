"""`annoloop init`: a stack file to start from."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.reports import InitReport


def init(
    console: Console,
    folder: Annotated[Path, typer.Argument(help="Where to put it.")] = Path(),
) -> "InitReport":
    """Write a stack file to start from; overwrite nothing.

    Also its schema for editors, .env.example and .gitignore.
    """
    from annolooop.loop.init import init as run

    return run(folder)


def show(console: Console, report: "InitReport") -> None:
    """Print which files were written."""
    for name in report.written:
        console.print(f"wrote  {name}")
    for name in report.kept:
        console.print(f"kept   {name}  (it was there)")
    console.next(
        f"cd {quote(report.folder)} && annoloop up" if report.folder != "." else "annoloop up"
    )
