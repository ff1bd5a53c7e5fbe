"""`annoloop init`: a stack file to start from."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.init import InitReport


def init(
    console: Console,
    folder: Annotated[Path, typer.Argument(help="Where to put it.")] = Path(),
    store: Annotated[
        str, typer.Option("--store", help="Where images are: local, s3, gcs or azure.")
    ] = "local",
) -> "InitReport":
    """Write a stack file to start from; overwrite nothing.

    Also its schema for editors, .env.example and .gitignore.
    """
    from annolooop.loop.setup.init import init as run

    return run(folder, store)


def show(console: Console, report: "InitReport") -> None:
    """Print which files were written."""
    for name in report.written:
        console.print(f"wrote  {name}")
    for name in report.kept:
        console.print(f"kept   {name}  (it was there)")
    if report.store != "local":
        console.say("Then say in it which bucket, and with which credentials.")
    step = "annoloop up" if report.store == "local" else "annoloop storage setup"
    console.next(f"cd {quote(report.folder)} && {step}" if report.folder != "." else step)
