"""`annoloop model show`."""

from typing import TYPE_CHECKING

from annolooop.commands.train import describe_backbone, estimate, tell_calibration, tell_evaluation
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.domain.versions import Evaluation
    from annolooop.loop.versions.versions import ModelReport

from annolooop.commands.model.version import VERSION

TOLD = ("evaluation", "calibration", "gate")  # metrics that have lines of their own


def show(console: Console, version: VERSION) -> "ModelReport":
    """Show what a model version is made of."""
    from annolooop.loop.versions.versions import show_model
    from annolooop.stack import open_stack

    return show_model(open_stack(console), version)


def show_version(console: Console, report: "ModelReport") -> None:
    """Print the record, a line for each entry."""
    from annolooop.domain.versions import evaluation_of

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
