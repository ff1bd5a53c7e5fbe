"""`annoloop model`: versions, and which one is in force."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop import completion
from annolooop.commands.train import (
    describe_backbone,
    estimate,
    tell_calibration,
    tell_evaluation,
)
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.records import Evaluation
    from annolooop.reports import ModelListReport, ModelReport, ModelRow, PromoteReport

VERSION = Annotated[
    str,
    typer.Argument(
        help="Model version: v3-1a2b3c, v3 or 3.", autocompletion=completion.model_versions
    ),
]

TOLD = ("evaluation", "calibration", "gate")  # metrics that have lines of their own


def list_(console: Console) -> "ModelListReport":
    """List the model versions of the dataset."""
    from annolooop.loop.model import list_models
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
        return f"{row.holdout} images"
    return estimate(row.evaluation.accuracy, 2) if row.evaluation else f"{row.accuracy:.2f}"


def _log_loss(row: "ModelRow") -> str:
    value = row.evaluation.log_loss.value if row.evaluation else None
    return "" if value is None else f"{value:.2f}"


def _calibration_error(row: "ModelRow") -> str:
    """Out of fold, without and with the temperature."""
    if not row.calibration:
        return ""
    return f"{row.calibration['ece_before']:.2f} -> {row.calibration['ece_after']:.2f}"


def show(console: Console, version: VERSION) -> "ModelReport":
    """Show what a model version is made of."""
    from annolooop.loop.model import show_model
    from annolooop.stack import open_stack

    return show_model(open_stack(console), version)


def show_version(console: Console, report: "ModelReport") -> None:
    """Print the record, a line for each entry."""
    from annolooop.records import evaluation_of

    version, evaluation = report.version, evaluation_of(report.version)
    metrics = {name: told for name, told in version.metrics.items() if name not in TOLD}
    rows = {
        "trained": "yes" if version.trained else "no: a fresh head",
        "in force": "yes" if report.promoted else "no",
        "parent": version.parent or "none",
        "labels": ", ".join(version.labels),
        "backbone": describe_backbone(version.backbone),
        "examples": f"snapshot {version.snapshot}, fingerprint {version.dataset_fingerprint}",
        "metrics": metrics,
        "config": version.config,
        "made": f"{version.created_at} by {version.created_by}",
    }
    console.print(version.name)
    for key, value in rows.items():
        console.print(f"  {key:<9} {value}")
    if "calibration" in version.metrics:
        console.print(f"  calibration: {tell_calibration(version.metrics['calibration'])}")
    if "gate" in version.metrics:
        gate = version.metrics["gate"]
        console.print(f"  gate: {gate['verdict']}: {gate['why']}")
    if evaluation:
        _show_evaluation(console, version.labels, evaluation)
    for promotion in report.promotions:
        console.print(f"  promoted  {promotion.at} by {promotion.by}")
    if not report.promoted:
        console.next(f"annoloop model promote {version.name}")


def _show_evaluation(console: Console, labels: tuple[str, ...], evaluation: "Evaluation") -> None:
    """Figures, a table of the labels, and the confusion matrix."""
    if evaluation.accuracy.value is not None:
        console.print(f"  holdout: accuracy {estimate(evaluation.accuracy)}")
        for line in tell_evaluation(evaluation):
            console.print(f"    {line}")
    if not evaluation.n:
        return
    console.table(
        ("label", "images", "predicted", "precision", "recall"),
        [
            (label, row.n, row.predicted, estimate(row.precision), estimate(row.recall))
            for label, row in evaluation.classes.items()
        ],
    )
    if evaluation.confusion:
        console.table(
            ("is, predicted as:", *labels),
            [(label, *row) for label, row in zip(labels, evaluation.confusion, strict=True)],
        )


def promote(console: Console, version: VERSION) -> "PromoteReport":
    """Put a model version in force."""
    from annolooop.loop.model import promote as run
    from annolooop.stack import open_stack

    return run(open_stack(console), version)


def rollback(console: Console) -> "PromoteReport":
    """Put the parent of the version in force back in force."""
    from annolooop.loop.model import rollback as run
    from annolooop.stack import open_stack

    return run(open_stack(console))


def show_promoted(console: Console, report: "PromoteReport") -> None:
    """Print which version is in force now."""
    if report.changed:
        console.print(f"{report.model_version} is in force, in the place of {report.before}")
        console.next("annoloop infer --rerun", "shows people its predictions")
    else:
        console.print(f"{report.model_version} was in force already")
        console.next("annoloop model list")
