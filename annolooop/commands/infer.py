"""`annoloop infer`: pre-annotate a batch."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.reports import InferReport

SHOWN = 10  # unreadable files named before the rest is only counted


def infer(
    console: Console,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            metavar="PATH_OR_PREFIX",
            help="Folder of images, or a prefix of the store. Without it: the whole dataset.",
        ),
    ] = None,
    rerun: Annotated[
        bool,
        typer.Option("--rerun", help="Refresh predictions that other model versions made."),
    ] = False,
) -> "InferReport":
    """Predict images, and show people the predictions."""
    from annolooop.loop.infer import infer as run
    from annolooop.stack import open_stack

    return run(open_stack(console), batch, rerun, console.track)


def show(console: Console, report: "InferReport") -> None:
    """Print what was done, and what could not be read."""
    console.print(
        f"{report.images} images: {report.uploaded} put into the store, "
        f"{report.embedded} embedded, {report.cached} known"
    )
    console.print(
        f"{report.model_version}: {report.tasks_created} tasks created, "
        f"{report.predictions_pushed} predictions pushed"
    )
    for row in report.unreadable[:SHOWN]:
        console.print(f"unreadable: {row['file']}: {row['reason']}")
    if len(report.unreadable) > SHOWN:
        console.print(f"unreadable: {len(report.unreadable) - SHOWN} more (all with --json)")
    if report.stale:
        console.print(f"{report.stale} tasks only have predictions of other model versions")
        batch = f" --batch {quote(report.batch)}" if report.batch else ""
        console.next(f"annoloop infer{batch} --rerun", "to refresh them")
    else:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")
