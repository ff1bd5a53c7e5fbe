"""`annoloop dataset accept`: take over predictions that the model is sure of."""

from typing import TYPE_CHECKING, Annotated, Union

import typer

from annolooop import completion
from annolooop.console.console import Console
from annolooop.errors import counted
from annolooop.loop.rounds.next_step import LoopState, next_step

if TYPE_CHECKING:
    from annolooop.loop.quality.accept import AcceptReport
    from annolooop.loop.quality.undo import UndoReport


def accept(
    console: Console,
    precision: Annotated[
        float,
        typer.Option("--precision", help="Share of the accepted that must be correct, 0.5 to 1."),
    ] = 0.98,
    per_label: Annotated[
        bool, typer.Option("--per-label", help="Choose a confidence for each label.")
    ] = False,
    spot_check: Annotated[
        float,
        typer.Option("--spot-check", help="Share of them that people are asked all the same."),
    ] = 0.05,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Accept at most this many, the surest first."),
    ] = None,
    undo: Annotated[
        str | None,
        typer.Option(
            "--undo",
            metavar="VERSION",
            help="Remove what was accepted from a model version, except what people changed.",
            autocompletion=completion.model_versions,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do it. Without it, only count.")
    ] = False,
) -> Union["AcceptReport", "UndoReport"]:
    """Accept predictions that the model is sure of.

    Examples:
      annoloop dataset accept               # only count
      annoloop dataset accept --yes         # accept them
      annoloop dataset accept --per-label   # a confidence for each label
      annoloop dataset accept --undo v3     # count what --yes would remove

    They become annotations that nobody has seen. The holdout decides from which confidence on
    predictions are correct that often: images that people labelled and the model did not learn
    from. The precision holds with 95 % confidence. Only tasks that nobody touched are accepted, and
    none of the holdout. Accepted labels are exported. No model learns from them, and none is
    measured by them.
    """
    from annolooop.loop.quality.accept import accept
    from annolooop.loop.quality.propose import AcceptOptions
    from annolooop.loop.quality.undo import undo_accept
    from annolooop.stack import open_stack

    stack = open_stack(console)
    if undo is not None:
        return undo_accept(stack, undo, yes, console.track)
    return accept(stack, AcceptOptions(precision, spot_check, limit, yes, per_label), console.track)


def print_accept(console: Console, report: Union["AcceptReport", "UndoReport"]) -> None:
    """Print the threshold, what it is based on, and what was done."""
    from annolooop.loop.quality.undo import UndoReport

    if isinstance(report, UndoReport):
        _print_undo(console, report)
        return
    if report.per_label:
        _print_per_label(console, report)
    else:
        console.print(
            f"{report.version}: at least {report.low:.1%} correct where confidence is "
            f"{report.threshold:.4g} or more"
        )
        console.print(
            f"  ({report.errors} wrong of {report.above} such images of the holdout, which has "
            f"{report.holdout}; 95 % confidence)"
        )
    verb = "accepted" if report.applied else "to accept"
    console.print(
        f"{verb}: {report.accepted} of {report.untouched} untouched predictions, of which at most "
        f"{report.wrong_at_most} may be wrong; {report.spot_check} more are left for people to "
        "check"
    )
    if report.over_limit:
        console.print(f"{report.over_limit} more are over the limit")
    if report.passed_over:
        console.print(f"{report.passed_over} were touched meanwhile, and not accepted")
    if report.labels:
        console.table(("label", verb), report.labels.items())
    if report.accepted and not report.applied:
        console.next_typed("--yes")
        return
    if report.accepted:
        undo = f"annoloop dataset accept --undo {report.version}"
        console.say(f"To remove them again: {undo} --yes")
    else:
        why = "is sure enough" if report.untouched else "is shown in a task that nobody touched"
        console.say(f"No prediction {why}.")
    console.next(*next_step(report.state))


def _print_per_label(console: Console, report: "AcceptReport") -> None:
    console.print(
        f"{report.version}: at least so many are correct where confidence is as high (95 % "
        "confidence for all labels together)"
    )
    console.table(
        ("label", "correct", "from confidence", "wrong of", "in the holdout"),
        [
            (row.label, "", "left to people", "", row.holdout)
            if row.threshold.value is None
            else (
                row.label,
                f"{row.threshold.low:.1%}",
                f"{row.threshold.value:.4g}",
                f"{row.threshold.errors} of {row.threshold.n}",
                row.holdout,
            )
            for row in report.per_label
        ],
    )


def _print_undo(console: Console, report: "UndoReport") -> None:
    verb = "removed" if report.applied else "to remove"
    console.print(
        f"{verb}: {counted(report.withdrawn, 'annotation')} accepted from {report.version}"
    )
    if report.kept:
        console.print(f"kept: {report.kept} that people touched meanwhile")
    if report.withdrawn and not report.applied:
        console.next_typed("--yes")
    else:
        console.next(*next_step(LoopState(dataset=report.dataset)))
