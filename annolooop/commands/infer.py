"""`annoloop infer`: pre-annotate a batch."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console import Console
from annolooop.errors import UsageError, counted

if TYPE_CHECKING:
    from annolooop.loop.infer.infer import InferReport
    from annolooop.loop.infer.query import Query, QueryReport
    from annolooop.loop.push.blind import BlindReport


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
    query: Annotated[
        int | None,
        typer.Option(
            "--query",
            metavar="N",
            min=1,
            max=99_999,
            help="Choose the N tasks that people are asked next; `dataset launch` opens them.",
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy",
            help="What --query chooses by; default: auto.",
            autocompletion=completion.strategies,
        ),
    ] = None,
    overlap: Annotated[
        float | None,
        typer.Option(
            "--overlap",
            min=0,
            max=1,
            help="Share of the tasks of --query that two people are asked, to see if they agree.",
        ),
    ] = None,
    blind_share: Annotated[
        float | None,
        typer.Option(
            "--blind-share",
            min=0,
            max=0.99,
            help="Share of the images, from now on, that people see without a prediction.",
        ),
    ] = None,
) -> "InferReport":
    """Predict images, and show people the predictions."""
    from annolooop.loop.infer.infer import InferOptions
    from annolooop.loop.infer.infer import infer as run
    from annolooop.stack import open_stack

    asked = _query(query, strategy, overlap)
    if (asked or blind_share is not None) and (dry_run or not push):
        option = "--query" if asked else "--blind-share"
        other = "--dry-run" if dry_run else "--no-push"
        raise UsageError(
            f"{option} changes what people see in Label Studio, and {other} leaves it alone",
            f"Leave out one of the two: {option} or {other}",
        )
    options = InferOptions(rerun, dry_run, push, out, asked, blind_share)
    return run(open_stack(console), batch, options, console.track)


def _query(count: int | None, strategy: str | None, overlap: float | None) -> "Query | None":
    """What to ask people.

    Raises:
        UsageError: it is said how, and not how much; or there is no such strategy.
    """
    if count is None:
        if strategy is None and overlap is None:
            return None
        option = "--strategy" if strategy is not None else "--overlap"
        raise UsageError(
            f"{option} says how to choose what people are asked, and nothing is to be chosen",
            f"Say how many tasks: --query 50 {option} ...",
        )
    from annolooop.loop.infer.query import Query
    from annolooop.model.choosing.choose import check_strategy

    check_strategy(strategy or "auto")
    return Query(count, strategy or "auto", overlap or 0.0)


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
    if report.blind:
        _show_blind(console, report.blind)
    if report.query:
        _show_query(console, report.query)
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
        if not report.query:
            console.next(f"annoloop infer{batch} --rerun", "to refresh them")
            return
    if report.query and not report.query.round:
        console.next("annoloop train --rerun", "to learn from all that is annotated")
    elif not report.dry_run:
        console.next(f"annoloop dataset launch {quote(report.dataset)}")


def _show_blind(console: Console, blind: "BlindReport") -> None:
    console.print(f"{blind.images} images are shown without a prediction (share {blind.share:g})")
    if blind.cleared:
        console.print(f"{blind.cleared} tasks lost the predictions that they had")
    if blind.seen:
        console.print(f"{blind.seen} tasks of such images were annotated with a prediction in view")


def _show_query(console: Console, query: "QueryReport") -> None:
    if query.unseen:
        console.print(
            f"{counted(query.unseen, 'task')} cannot be chosen, as the model has not seen the "
            "images; `annoloop infer --query` without --batch looks at all of them"
        )
    if not query.round:
        if query.left:
            console.print(
                f"nothing is asked: the {query.left} tasks left nearly repeat what is annotated"
            )
        elif not query.unseen:
            console.print("nothing is left to ask: every task is annotated or skipped")
        return
    by = query.used
    if query.used != query.strategy:
        by = f"{query.strategy}, which took {query.used}"
    console.print(
        f"round {query.round}: {counted(query.asked, 'task')} to ask next"
        + (f", {query.holdout} of them of the holdout" if query.holdout else "")
        + (f", {query.twice} asked of two people" if query.twice else "")
        + f"; {query.left} more are left"
    )
    if query.used:
        console.print(f"chosen by {by}" + (f": {query.why}" if query.why else ""))
    if query.crowded:
        console.say(
            "People who annotate at the same time may get the same task: whoever runs this Label "
            "Studio can change that, with "
            "fflag_fix_back_lsdv_4523_show_overlap_first_order_27022023_short=true in its "
            "environment."
        )
