"""What is told of a new model version to trackers that the stack file names."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from annolooop.domain.versions import ModelVersion
from annolooop.loop.train.trackers import TrackerFailed, tag_for, to_mlflow, to_tensorboard
from annolooop.stack import Stack

INTERVALS = ("accuracy", "balanced_accuracy", "log_loss", "ece")


def tell_trackers(
    stack: Stack, version: ModelVersion, learnt: int, labels: Mapping[str, int]
) -> dict[str, str]:
    """Send the figures of a version that was registered. What fails is told, and fails no training.

    Args:
        stack: the annotation loop.
        version: the new one; its number is the step.
        learnt: images that it learnt from.
        labels: label -> labelled images.

    Returns:
        Tracker -> empty, or why it did not get them.
    """
    section, name = stack.config.tracking, version.dataset
    told: dict[str, str] = {}
    if not (section.tensorboard or section.mlflow):
        return told
    figures = figures_of(version, learnt, labels)
    if section.tensorboard:
        folder = stack.loaded.path(section.tensorboard) / name
        told["tensorboard"] = _try(lambda: to_tensorboard(folder, figures, version.number))
    if section.mlflow:
        uri = section.mlflow.get_secret_value()
        if "://" not in uri and not uri.startswith("file:"):
            uri = stack.loaded.path(uri).absolute().as_uri()
        params = {**{k: str(v) for k, v in version.config.items()}, **_facts(version)}
        experiment = section.experiment or name
        told["mlflow"] = _try(
            lambda: to_mlflow(uri, experiment, version.name, figures, version.number, params)
        )
    return told


def figures_of(version: ModelVersion, learnt: int, labels: Mapping[str, int]) -> dict[str, float]:
    """All numbers of a version, by names that trackers take; what is not known is left out."""
    metrics = version.metrics
    found: dict[str, Any] = {"images/learnt_from": learnt}
    for name, n in labels.items():
        found[f"labelled/{tag_for(name, _last(found))}"] = n
    evaluation = metrics.get("evaluation") or {}
    if evaluation:
        found["holdout/images"] = evaluation["n"]
        for name in INTERVALS:
            found |= _estimate(f"holdout/{name}", evaluation.get(name))
        found |= _classes(evaluation.get("classes", {}))
    else:
        found |= {f"holdout/{k}": v for k, v in metrics.get("holdout", {}).items()}
    for part in ("calibration", "cross_validation"):
        found |= {f"{part}/{k}": v for k, v in (metrics.get(part) or {}).items()}
    gate = metrics.get("gate") or {}
    if gate:
        found["gate/promoted"] = gate.get("verdict") == "promoted"
        found["gate/p_value"] = gate.get("p_value")
    return {k: float(v) for k, v in found.items() if isinstance(v, (bool, int, float))}


def _classes(classes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    taken: set[str] = set()
    for label, row in classes.items():
        name = tag_for(label, taken)
        taken.add(name)
        for what in ("precision", "recall"):
            found |= _estimate(f"label/{name}/{what}", row[what])
        found[f"label/{name}/images"] = row["n"]
    return found


def _estimate(name: str, told: Mapping[str, float | None] | None) -> dict[str, Any]:
    told = told or {}
    ends = {f"{name}_{end}": told.get(end) for end in ("low", "high")}
    return {name: told.get("value"), **ends}


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
