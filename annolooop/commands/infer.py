"""`annoloop infer`: pre-annotate a batch."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.reports import InferReport


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
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Write nothing; count what is to be done, exit 2 if any."),
    ] = False,
    push: Annotated[
        bool, typer.Option("--push/--no-push", help="Send tasks and predictions to Label Studio.")
    ] = True,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write predictions to a .csv, .jsonl or .parquet file."),
    ] = None,
) -> "InferReport":
    """Predict images, and show people the predictions."""
    from annolooop.loop.infer import InferOptions
    from annolooop.loop.infer import infer as run
    from annolooop.stack import open_stack

    options = InferOptions(rerun, dry_run, push, out)
    return run(open_stack(console), batch, options, console.track)


def show(console: Console, report: "InferReport") -> None:
    """Print what was done, and what could not be read."""
    if report.dry_run:
        console.print("nothing was written; what would be done:")
    if report.collected:
        verb = "to collect" if report.dry_run else "collected"
        console.print(f"{verb}: images of {counted(report.collected, 'task')} that people uploaded")
    console.print(
        f"{counted(report.images, 'image')}: {report.uploaded} put into the store, "
        f"{report.embedded} embedded, {report.cached} known"
    )
    console.print(
        f"{report.model_version}: {counted(report.tasks_created, 'task')} created, "
        f"{counted(report.predictions_pushed, 'prediction')} pushed"
    )
    if report.changed:
        console.print(
            f"{counted(report.changed, 'picture')} changed, under the same key: what people "
            "said of the earlier ones stays with those"
        )
    console.stages(report.seconds, report.bottleneck, report.images)
    console.reasons("unreadable", report.unreadable)
    console.objects("vanished from the store", report.vanished)
    if report.out:
        console.print(f"predictions of all labels: {report.out}")
    if report.dry_run:
        console.next("the same without --dry-run" if report.exit_code else "annoloop stats")
    elif report.stale:
        console.print(
            f"{counted(report.stale, 'task')} with predictions of other model versions only"
        )
        batch = f" --batch {quote(report.batch)}" if report.batch else ""
        console.next(f"annoloop infer{batch} --rerun", "to refresh them")
    else:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")
