"""Send the figures of a new model version to the trackers that the stack file names."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from annolooop.domain.versions import ModelVersion
from annolooop.loop.train.trackers import TrackerFailed, tag_for, to_mlflow, to_tensorboard
from annolooop.stack import Stack

INTERVALS = ("accuracy", "balanced_accuracy", "log_loss", "ece")


def send_figures(
    stack: Stack, version: ModelVersion, trained_on: int, labels: Mapping[str, int]
) -> dict[str, str]:
    """Send the figures of a version that was registered. A failure is reported, and stops nothing.

    Args:
        stack: the annotation loop.
        version: the new one; its number is the step.
        trained_on: images that it was trained on.
        labels: label -> labelled images.

    Returns:
        Tracker -> empty, or why it did not get them.
    """
    section, name = stack.config.tracking, version.dataset
    sent: dict[str, str] = {}
    if not (section.tensorboard or section.mlflow):
        return sent
    figures = figures_of(version, trained_on, labels)
    if section.tensorboard:
        folder = stack.loaded.path(section.tensorboard) / name
        sent["tensorboard"] = _try(lambda: to_tensorboard(folder, figures, version.number))
    if section.mlflow:
        uri = section.mlflow.get_secret_value()
        if "://" not in uri and not uri.startswith("file:"):
            uri = stack.loaded.path(uri).absolute().as_uri()
        params = {**{k: str(v) for k, v in version.config.items()}, **_facts(version)}
        experiment = section.experiment or name
        sent["mlflow"] = _try(
            lambda: to_mlflow(uri, experiment, version.name, figures, version.number, params)
        )
    return sent


def figures_of(
    version: ModelVersion, trained_on: int, labels: Mapping[str, int]
) -> dict[str, float]:
    """All numbers of a version, by names that trackers take; what is not known is left out."""
    metrics = version.metrics
    figures: dict[str, Any] = {"images/learnt_from": trained_on}
    for name, n in labels.items():
        figures[f"labelled/{tag_for(name, _last(figures))}"] = n
    evaluation = metrics.get("evaluation") or {}
    if evaluation:
        figures["holdout/images"] = evaluation["n"]
        for name in INTERVALS:
            figures |= _estimate(f"holdout/{name}", evaluation.get(name))
        figures |= _classes(evaluation.get("classes", {}))
    else:
        figures |= {f"holdout/{k}": v for k, v in metrics.get("holdout", {}).items()}
    for part in ("calibration", "cross_validation"):
        figures |= {f"{part}/{k}": v for k, v in (metrics.get(part) or {}).items()}
    gate = metrics.get("gate") or {}
    if gate:
        figures["gate/promoted"] = gate.get("verdict") == "promoted"
        figures["gate/p_value"] = gate.get("p_value")
    return {k: float(v) for k, v in figures.items() if isinstance(v, (bool, int, float))}


def _classes(classes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    taken: set[str] = set()
    for label, row in classes.items():
        name = tag_for(label, taken)
        taken.add(name)
        for what in ("precision", "recall"):
            figures |= _estimate(f"label/{name}/{what}", row[what])
        figures[f"label/{name}/images"] = row["n"]
    return figures


def _estimate(name: str, estimate: Mapping[str, float | None] | None) -> dict[str, Any]:
    estimate = estimate or {}
    ends = {f"{name}_{end}": estimate.get(end) for end in ("low", "high")}
    return {name: estimate.get("value"), **ends}


def _last(names: Mapping[str, object]) -> set[str]:
    return {name.rpartition("/")[2] for name in names if name.startswith("labelled/")}


def _facts(version: ModelVersion) -> dict[str, str]:
    backbone = asdict(version.backbone)
    return {
        "dataset": version.dataset,
        "version": version.name,
        "parent": version.parent or "",
        "snapshot": str(version.snapshot),
        "choice": version.choice,
        "backbone_fingerprint": str(backbone["fingerprint"]),
    }


def _try(send: Any) -> str:
    try:
        send()
    except TrackerFailed as failed:
        return str(failed)
    return ""
