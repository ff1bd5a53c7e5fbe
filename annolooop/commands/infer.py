"""`annoloop infer`: predict a batch, and choose what people are asked next."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.console.console import Console
from annolooop.errors import UsageError, counted
from annolooop.loop.rounds.next_step import next_step
from annolooop.model.choosing.names import NAMES

if TYPE_CHECKING:
    from annolooop.loop.infer.infer import InferReport
    from annolooop.loop.infer.query import Query, QueryReport
    from annolooop.loop.push.blind import BlindReport


def infer(
    console: Console,
    photos: Annotated[
        str | None,
        typer.Argument(
            help="Folder of images, or a prefix in the store; default: the whole dataset."
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="PATH_OR_PREFIX", help="The same, as an option."),
    ] = None,
    rerun: Annotated[
        bool,
        typer.Option(
            "--rerun",
            help="Also predict tasks whose predictions are by another model version. "
            "(`train --rerun` makes the version.)",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Change nothing; count what is to be done, exit 2 if any."),
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
            help="Choose N tasks that people are asked next; `dataset launch` opens them.",
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy",
            help=f"How --query chooses: {', '.join(NAMES)}; default: auto.",
            autocompletion=completion.strategies,
        ),
    ] = None,
    overlap: Annotated[
        float | None,
        typer.Option(
            "--overlap",
            min=0,
            max=1,
            help="Share of the tasks of --query that two people answer, to measure agreement.",
        ),
    ] = None,
    blind_share: Annotated[
        float | None,
        typer.Option(
            "--blind-share",
            min=0,
            max=0.99,
            help="Share of all images that people see without a prediction, from now on.",
        ),
    ] = None,
) -> "InferReport":
    """Predict images, and send the predictions to Label Studio.

    Examples:
      annoloop infer photos                  # predict a folder
      annoloop infer --rerun --query 50      # predict anew, and choose 50 tasks
      annoloop infer photos --no-push --out predictions.csv
    """
    from annolooop.loop.infer.infer import InferOptions, infer
    from annolooop.stack import open_stack

    batch = one_batch(photos, batch)
    chosen_query = make_query(query, strategy, overlap)
    if (chosen_query or blind_share is not None) and (dry_run or not push):
        option = "--query" if chosen_query else "--blind-share"
        other = "--dry-run" if dry_run else "--no-push"
        raise UsageError(
            f"{option} changes what people see in Label Studio, but {other} changes nothing there",
            f"Leave out one of the two: {option} or {other}",
        )
    options = InferOptions(rerun, dry_run, push, out, chosen_query, blind_share)
    return infer(open_stack(console), batch, options, console.track)


def one_batch(photos: str | None, batch: str | None) -> str | None:
    """The batch, which may be given as an argument or as an option.

    Raises:
        UsageError: two different ones are given.
    """
    if photos is not None and batch is not None and photos != batch:
        raise UsageError(
            f"two batches are named: {photos}, and --batch {batch}",
            f"Name one at a time: annoloop infer {quote(photos)}",
        )
    return batch if photos is None else photos


def make_query(count: int | None, strategy: str | None, overlap: float | None) -> "Query | None":
    """The query that the options ask for.

    Raises:
        UsageError: an option of the query without its size; or an unknown strategy.
    """
    if count is None:
        if strategy is None and overlap is None:
            return None
        option = "--strategy" if strategy is not None else "--overlap"
        raise UsageError(
            f"{option} needs --query, which says how many tasks to choose",
            f"Add it: --query 50 {option} ...",
        )
    from annolooop.loop.infer.query import Query
    from annolooop.model.choosing.choose import check_strategy

    check_strategy(strategy or "auto")
    return Query(count, strategy or "auto", overlap or 0.0)


def print_infer(console: Console, report: "InferReport") -> None:
    """Print what was done, and what could not be read."""
    if report.dry_run:
        console.print("nothing was changed; to be done:")
    if report.collected:
        verb = "to collect" if report.dry_run else "collected"
        console.print(f"{verb}: images of {counted(report.collected, 'task')} that people uploaded")
    console.print(
        f"{counted(report.images, 'image')}: {report.uploaded} put into the store, "
        f"{report.embedded} embedded, {report.cached} embedded before"
    )
    console.print(
        f"{report.model_version}: {counted(report.tasks_created, 'task')} created, "
        f"{counted(report.predictions_pushed, 'prediction')} pushed"
    )
    if report.hidden:
        console.print(
            "its predictions are not shown, since it has learnt nothing yet "
            "(infer.show_untrained: false)"
        )
    if report.changed:
        console.print(
            f"{counted(report.changed, 'image')} changed under the same key: answers about the "
            "earlier ones stay with those"
        )
    if report.blind:
        _print_blind(console, report.blind)
    if report.query:
        _print_query(console, report.query)
    _print_speed(console, report)
    console.reasons("unreadable", report.unreadable)
    _print_passed_over(console, report.passed_over)
    console.objects("vanished from the store", report.vanished)
    if report.out:
        console.print(f"predictions of all labels: {report.out}")
    _print_next(console, report)


def _print_passed_over(console: Console, passed_over: dict[str, int]) -> None:
    """Files that are no images by their names."""
    if not passed_over:
        return
    from annolooop.domain.picture_kinds import HEIC_HINT
    from annolooop.loop.embed.batch import name_counts
    from annolooop.storage.images import HEIC_SUFFIXES

    console.print(f"passed over, by name: {name_counts(passed_over)}")
    if HEIC_SUFFIXES & passed_over.keys():
        console.print(f"to read HEIC photographs, too: {HEIC_HINT}")


def _print_speed(console: Console, report: "InferReport") -> None:
    """One line: total time, rate and the slowest stage; with ``-v``, a line for each stage."""
    total = report.seconds.get("total", 0.0)
    line = f"{total:.1f} s"
    if total:
        line += f", {report.images / total:.1f} images/s"
    if report.bottleneck:
        line += f", slowest stage: {report.bottleneck}"
    console.print(line)
    if console.options.verbose:
        for stage, seconds in sorted(report.seconds.items(), key=lambda item: -item[1]):
            if stage != "total":
                console.print(f"  {stage:<8} {seconds:.2f} s")


def _print_next(console: Console, report: "InferReport") -> None:
    if report.dry_run:
        if report.exit_code:
            console.next_typed(without="--dry-run")
        else:
            console.next("annoloop stats")
        return
    if report.stale:
        console.print(
            f"{counted(report.stale, 'task')} with predictions by other model versions only"
        )
    console.next(*next_step(report.state))


def _print_blind(console: Console, blind: "BlindReport") -> None:
    console.print(f"{blind.images} images are shown without a prediction (share {blind.share:g})")
    if blind.cleared:
        console.print(f"predictions removed from {counted(blind.cleared, 'task')} of such images")
    if blind.seen:
        console.print(f"{counted(blind.seen, 'task')} of such images were answered before that")


def _print_query(console: Console, query: "QueryReport") -> None:
    if query.unseen:
        console.print(
            f"{counted(query.unseen, 'task')} cannot be chosen, because their images have no "
            "embedding yet: annoloop infer --query without --batch embeds all of them"
        )
    if not query.round:
        if query.left:
            console.print(
                f"nothing was chosen: the {query.left} unanswered tasks are near-duplicates of "
                "annotated images"
            )
        elif not query.unseen:
            console.print("nothing is left to ask: every task is annotated or skipped")
        return
    console.print(
        f"round {query.round}: {counted(query.asked, 'task')} to answer next"
        + (f", {query.holdout} of them in the holdout" if query.holdout else "")
        + (f", {query.twice} answered by two people" if query.twice else "")
        + f"; {query.left} more are left"
    )
    if query.used:
        strategy = query.used
        if query.used != query.strategy:
            strategy = f"{query.strategy}, which took {query.used}"
        console.print(f"chosen by {strategy}" + (f": {query.why}" if query.why else ""))
    if query.crowded:
        console.say(
            "Two people who annotate at the same time may get the same task. To prevent it, start "
            "this Label Studio with the variable "
            "fflag_fix_back_lsdv_4523_show_overlap_first_order_27022023_short=true"
        )
