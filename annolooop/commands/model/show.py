"""`annoloop model show`: the record of a model version."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from annolooop.commands.model.version import VERSION
from annolooop.commands.train import describe_backbone, describe_calibration, evaluation_lines
from annolooop.commands.wording import describe_headline, estimate, moment
from annolooop.console.console import Console
from annolooop.loop.rounds.next_step import LoopState, next_step

if TYPE_CHECKING:
    from annolooop.domain.versions import Evaluation
    from annolooop.loop.versions.versions import ModelReport

PRINTED_APART = ("evaluation", "calibration", "gate", "holdout")  # of the metrics


def show(console: Console, version: VERSION) -> "ModelReport":
    """Show the settings and figures of a model version.

    Examples:
      annoloop model show v3
      annoloop model show v3 --json
    """
    from annolooop.loop.versions.versions import show_model
    from annolooop.stack import open_stack

    return show_model(open_stack(console), version)


def print_version(console: Console, report: "ModelReport") -> None:
    """Print the record, a line for each entry."""
    from annolooop.domain.versions import evaluation_of
    from annolooop.loop.versions.headline import shows_calibration

    version, evaluation = report.version, evaluation_of(report.version)
    metrics = {k: value for k, value in version.metrics.items() if k not in PRINTED_APART}
    rows = {
        "trained": "yes" if version.trained else "no: an untrained head",
        "current": "yes" if report.promoted else "no",
        "parent": version.parent or "none",
        "labels": ", ".join(version.labels),
        "backbone": describe_backbone(version.backbone),
        "examples": f"snapshot {version.snapshot}, fingerprint {version.dataset_fingerprint}",
        "made": f"{moment(version.created_at)} by {version.created_by}",
    }
    console.print(version.name)
    for key, value in rows.items():
        console.print(f"  {key:<9} {value}", " " * 10)
    for title, values in (("metrics", metrics), ("settings", version.config)):
        console.print(f"  {title}")
        for line in _lines(values, "    "):
            console.print(line)
    calibration = version.metrics.get("calibration")
    if calibration and shows_calibration(calibration["n"]):
        console.print(f"  calibration: {describe_calibration(calibration)}")
    if "gate" in version.metrics:
        gate = version.metrics["gate"]
        console.print(f"  gate: {gate['verdict']}: {gate['why']}")
    if report.headline and report.headline.early:
        console.print(f"  {describe_headline(report.headline)}")
    if evaluation and evaluation.n:
        _print_evaluation(console, version.labels, evaluation)
    for promotion in report.promotions:
        console.print(f"  promoted  {moment(promotion.at)} by {promotion.by}")
    refused = version.metrics.get("gate", {}).get("verdict") == "refused"
    waits = version.name if refused and not report.promotions else ""
    state = LoopState(dataset=version.dataset, looked=bool(waits), refused=waits)
    console.next(*next_step(state))


def _lines(values: Mapping[str, Any], start: str) -> Iterator[str]:
    """``key: value`` lines, those of a nested mapping further in."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield f"{start}{key}"
            yield from _lines(value, f"{start}  ")
        else:
            yield f"{start}{key}: {_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return "none" if value is None or value == "" else str(value)


def _print_evaluation(console: Console, labels: tuple[str, ...], evaluation: "Evaluation") -> None:
    """Figures, a table of the labels, and the confusion matrix."""
    if evaluation.accuracy.value is not None:
        console.print(f"  holdout: accuracy {estimate(evaluation.accuracy)}")
        for line in evaluation_lines(evaluation):
            console.print(f"    {line}")
    console.table(
        ("label", "images", "predicted", "precision", "recall"),
        [
            (label, row.n, row.predicted, estimate(row.precision), estimate(row.recall))
            for label, row in evaluation.classes.items()
        ],
        ("predicted",),
    )
    if evaluation.confusion:
        console.table(
            ("is, predicted as:", *labels),
            [(label, *row) for label, row in zip(labels, evaluation.confusion, strict=True)],
        )
