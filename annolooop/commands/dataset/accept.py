"""`annoloop dataset accept`: what the model is sure of, without a look."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated, Union

import typer

from annolooop import completion
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.quality.accept import AcceptReport, UndoReport


def accept(
    console: Console,
    precision: Annotated[
        float,
        typer.Option("--precision", help="Share of the accepted that must be right, 0.5 to 1."),
    ] = 0.98,
    spot_check: Annotated[
        float,
        typer.Option("--spot-check", help="Share of the sure ones that people see all the same."),
    ] = 0.05,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Accept at most so many, surest first.")
    ] = None,
    undo: Annotated[
        str | None,
        typer.Option(
            "--undo",
            metavar="VERSION",
            help="Take back what was accepted from a model version, unless people changed it.",
            autocompletion=completion.model_versions,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do it; without, it is only told.")
    ] = False,
) -> Union["AcceptReport", "UndoReport"]:
    """Accept predictions that are right as often as you ask, without a look.

    From which confidence on that is so is told by the holdout: images that people labelled and the
    model did not learn from. The precision holds with 95 % confidence. Accepted are tasks that
    nobody touched, never those of the holdout. Accepted labels are exported; no model
    learns from them, and none is judged by them.

    Without --yes nothing is written; the exit code is 2 if there is something to accept.
    """
    from annolooop.loop.quality.accept import AcceptOptions
    from annolooop.loop.quality.accept import accept as run
    from annolooop.loop.quality.accept import undo as run_undo
    from annolooop.stack import open_stack

    stack = open_stack(console)
    if undo is not None:
        return run_undo(stack, undo, yes, console.track)
    return run(stack, AcceptOptions(precision, spot_check, limit, yes), console.track)


def show(console: Console, report: Union["AcceptReport", "UndoReport"]) -> None:
    """Print what the threshold is, what it is based on, and what was done."""
    from annolooop.loop.quality.accept import UndoReport

    if isinstance(report, UndoReport):
        _show_undo(console, report)
        return
    console.print(
        f"{report.version} is right of at least {report.low:.1%} of what it is at least "
        f"{report.threshold:.4g} sure of"
    )
    console.print(
        f"  ({report.errors} wrong of {report.above} such images of the holdout, which has "
        f"{report.holdout}; 95 % confidence)"
    )
    verb = "accepted" if report.applied else "would be accepted"
    console.print(
        f"{report.accepted} of {report.untouched} untouched predictions {verb}, of which at most "
        f"{report.wrong_at_most} may be wrong; {report.spot_check} such left for people to check"
    )
    if report.over_limit:
        console.print(f"{report.over_limit} more are over the limit")
    if report.passed_over:
        console.print(f"{report.passed_over} were touched meanwhile, and passed over")
    if report.labels:
        console.table(("label", verb), report.labels.items())
    if report.applied and report.accepted:
        console.next(f"annoloop dataset accept --undo {report.version}", "to take it back")
    elif report.accepted:
        console.next("the same command with --yes")
    elif report.untouched:
        console.next(f"annoloop dataset launch {quote(report.dataset)}", "nothing is sure enough")
    else:
        console.next("annoloop infer --rerun", "no untouched task shows its predictions")


def _show_undo(console: Console, report: "UndoReport") -> None:
    verb = "taken back" if report.applied else "would be taken back"
    console.print(f"{report.withdrawn} annotations accepted from {report.version} {verb}")
    if report.kept:
        console.print(f"{report.kept} were touched meanwhile, and stay")
    if report.withdrawn and not report.applied:
        console.next(f"annoloop dataset accept --undo {report.version} --yes")
