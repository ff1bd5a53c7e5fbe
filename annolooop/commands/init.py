"""`annoloop init`: a stack file to start from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import LoopState, next_step

if TYPE_CHECKING:
    from annolooop.loop.setup.init import InitReport


def init(
    console: Console,
    folder: Annotated[Path, typer.Argument(help="Folder of the stack file.")] = Path(),
    store: Annotated[
        str, typer.Option("--store", help="Where images are kept: local, s3, gcs or azure.")
    ] = "local",
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the dataset, and title of its project.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="A,B,...",
            help="Labels that people choose from, with commas between.",
        ),
    ] = None,
) -> "InitReport":
    """Write a stack file to start from.

    Examples:
      annoloop init                  # in this folder
      annoloop init --name pets --labels cat,dog
      annoloop init --store s3       # with images in a bucket

    Files that exist are kept. Besides annoloop.yaml it writes a schema for editors, .env.example
    and .gitignore.
    """
    from annolooop.loop.setup.init import init

    return init(folder, store, name, labels)


def print_init(console: Console, report: "InitReport") -> None:
    """Print which files were written."""
    for name in report.written:
        console.print(f"wrote  {name}")
    for name in report.kept:
        console.print(f"kept   {name}  (it exists)")
    if report.unset:
        console.say(f"First set in {report.stack_file}: {', '.join(report.unset)}.")
    folder = "" if report.folder == "." else report.folder
    state = LoopState(running=False, folder=folder, bucket=report.store != "local")
    console.next(*next_step(state))
