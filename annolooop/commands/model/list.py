"""`annoloop model list`."""

from typing import TYPE_CHECKING

from annolooop.commands.train import estimate
from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.versions.versions import ModelListReport, ModelRow


def list_(console: Console) -> "ModelListReport":
    """List the model versions of the dataset."""
    from annolooop.loop.versions.versions import list_models
    from annolooop.stack import open_stack

    return list_models(open_stack(console))


def show_list(console: Console, report: "ModelListReport") -> None:
    """Print a table."""
    if not report.versions:
        console.print("no model versions yet")
        console.next("annoloop train")
        return
    console.table(
        (
            *("version", "", "backbone", "accuracy", "balanced", "log loss", "ECE"),
            *("made", "by"),
        ),
        [
            (
                row.name,
                _state(row),
                f"{row.backbone} ({row.tuned})" if row.tuned else row.backbone,
                _accuracy(row),
                estimate(row.evaluation.balanced_accuracy, 2) if row.evaluation else "",
                _log_loss(row),
                _calibration_error(row),
                row.created_at[:10],
                row.created_by,
            )
            for row in report.versions
        ],
    )
    console.next(f"annoloop model show {report.versions[-1].name}")


def _state(row: "ModelRow") -> str:
    if row.promoted:
        return "in force"
    if row.refused:
        return "refused"
    return "" if row.trained else "untrained"


def _accuracy(row: "ModelRow") -> str:
    if row.accuracy is None:
        return counted(row.holdout, "image")
    return estimate(row.evaluation.accuracy, 2) if row.evaluation else f"{row.accuracy:.2f}"


def _log_loss(row: "ModelRow") -> str:
    value = row.evaluation.log_loss.value if row.evaluation else None
    return "" if value is None else f"{value:.2f}"


def _calibration_error(row: "ModelRow") -> str:
    """Out of fold, without and with the temperature."""
    if not row.calibration:
        return ""
    return f"{row.calibration['ece_before']:.2f} -> {row.calibration['ece_after']:.2f}"
