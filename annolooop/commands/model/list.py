"""`annoloop model list`: the model versions of the dataset."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from annolooop.commands.wording import estimate
from annolooop.console.console import Console
from annolooop.errors import counted
from annolooop.loop.rounds.next_step import LoopState, next_step

if TYPE_CHECKING:
    from annolooop.loop.versions.versions import ModelListReport, ModelRow

SHORT = ("version", "state", "accuracy", "labels", "made")
WIDE = (*SHORT, "balanced", "log loss", "ECE", "backbone", "by")
OPTIONAL = ("by", "ECE", "log loss", "balanced", "backbone")  # what a narrow terminal does without


def list_(
    console: Console,
    wide: Annotated[
        bool, typer.Option("--wide", help="Also balanced accuracy, log loss, ECE, backbone.")
    ] = False,
) -> "ModelListReport":
    """List the model versions of the dataset.

    Examples:
      annoloop model list
      annoloop model list --wide
    """
    from annolooop.loop.versions.versions import list_models
    from annolooop.stack import open_stack

    return list_models(open_stack(console), wide)


def print_list(console: Console, report: "ModelListReport") -> None:
    """Print a table."""
    if not report.versions:
        console.print("no model versions yet")
        console.next(*next_step(LoopState(dataset=report.dataset, model=False)))
        return
    columns = WIDE if report.wide else SHORT
    rows = [_row(row)[: len(columns)] for row in report.versions]
    console.table(columns, rows, OPTIONAL if report.wide else ("made", "labels"))
    last = report.versions[-1]
    refused = last.name if last.refused else ""
    state = LoopState(dataset=report.dataset, looked=bool(refused), refused=refused)
    console.next(*next_step(state))


def _row(row: "ModelRow") -> tuple[object, ...]:
    evaluation = row.evaluation
    log_loss = evaluation.log_loss.value if evaluation else None
    return (
        row.name,
        _state(row),
        _accuracy(row),
        row.trained_on if row.trained else "",
        row.created_at[:10],
        estimate(evaluation.balanced_accuracy, 2) if evaluation else "",
        "" if log_loss is None else f"{log_loss:.2f}",
        # Out of fold, without and with the temperature.
        _calibration(row.calibration),
        f"{row.backbone} ({row.tuned})" if row.tuned else row.backbone,
        row.created_by,
    )


def _calibration(figures: "Mapping[str, Any] | None") -> str:
    from annolooop.loop.versions.headline import shows_calibration

    if not figures or not shows_calibration(figures["n"]):
        return ""
    return f"{figures['ece_before']:.2f} -> {figures['ece_after']:.2f}"


def _state(row: "ModelRow") -> str:
    if row.promoted:
        return "current"
    if row.refused:
        return "refused"
    return "" if row.trained else "untrained"


def _accuracy(row: "ModelRow") -> str:
    """That to go by; where there is none, the size of the holdout."""
    if row.headline is None:
        return counted(row.holdout, "image")
    return f"{'early: ' if row.headline.early else ''}{estimate(row.headline.accuracy, 2)}"
