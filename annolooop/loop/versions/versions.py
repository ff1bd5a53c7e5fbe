"""Look at model versions, and make another one current."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from annolooop.domain.versions import Evaluation, ModelVersion, Promotion
from annolooop.errors import DataError, did_you_mean
from annolooop.loop.versions.headline import (
    Headline,
    headline,
    shown_calibration,
    shown_evaluation,
)
from annolooop.loop.versions.predict import find_current
from annolooop.stack import Stack


@dataclass(frozen=True)
class ModelRow:
    """One line of `model list`. ``accuracy`` is that on the holdout of ``holdout`` images.

    ``tuned`` is how the backbone was fine-tuned, empty where it was not. ``evaluation`` is without
    its classes and its confusion matrix. ``refused``: the gate kept it from becoming current, and
    nobody has promoted it since. ``trained_on`` is the number of its labelled images.
    ``headline`` is the accuracy to go by.
    """

    name: str
    promoted: bool
    trained: bool
    parent: str | None
    backbone: str
    tuned: str
    holdout: int
    accuracy: float | None
    created_at: str
    created_by: str
    evaluation: Evaluation | None = None
    calibration: dict[str, Any] | None = None
    refused: bool = False
    trained_on: int | None = None
    headline: Headline | None = None


@dataclass(frozen=True)
class ModelListReport:
    """The model versions of a dataset, by number; ``wide``: print more columns."""

    dataset: str
    versions: tuple[ModelRow, ...]
    wide: bool = field(default=False, metadata={"not_in_json": True})


@dataclass(frozen=True)
class ModelReport:
    """One model version, the times it became current, and the accuracy to go by."""

    version: ModelVersion
    promoted: bool
    promotions: tuple[Promotion, ...]
    headline: Headline | None = None


@dataclass(frozen=True)
class PromoteReport:
    """What `model promote` and `model rollback` did; ``changed`` is False if it was current.

    ``before`` is empty where nobody knew which version was current.
    """

    dataset: str
    model_version: str
    before: str
    changed: bool


def list_models(stack: Stack, wide: bool = False) -> ModelListReport:
    """The versions of the stack's dataset, by number."""
    promotions = stack.registry.promotions()
    ever = {promotion.number for promotion in promotions}
    rows = tuple(
        ModelRow(
            name=version.name,
            promoted=bool(promotions) and version.number == promotions[-1].number,
            trained=version.trained,
            parent=version.parent,
            backbone=version.backbone.name,
            tuned=version.backbone.tuned,
            holdout=version.metrics["holdout"]["n"],
            accuracy=version.metrics["holdout"].get("accuracy"),
            created_at=version.created_at,
            created_by=version.created_by,
            evaluation=_short(shown_evaluation(version)),
            calibration=shown_calibration(version),
            refused=version.number not in ever
            and version.metrics.get("gate", {}).get("verdict") == "refused",
            trained_on=version.metrics.get("trained_on"),
            headline=headline(version.metrics),
        )
        for version in stack.registry.versions()
    )
    return ModelListReport(stack.config.dataset.name, rows, wide)


def _short(evaluation: Evaluation | None) -> Evaluation | None:
    return evaluation and replace(evaluation, classes={}, confusion=())


def show_model(stack: Stack, name: str) -> ModelReport:
    """One version, and when it became current.

    Raises:
        DataError: there is no such version.
    """
    version = find_version(stack, name)
    history = stack.registry.promotions()
    return ModelReport(
        version,
        bool(history) and history[-1].number == version.number,
        tuple(promotion for promotion in history if promotion.number == version.number),
        headline(version.metrics),
    )


def promote(stack: Stack, name: str) -> PromoteReport:
    """Make a version current; `infer --rerun` then shows people its predictions.

    Raises:
        DataError: there is no such version.
    """
    requested = find_version(stack, name)
    try:
        current = stack.registry.current()
    except DataError:  # a damaged or missing promotion: who names a version mends it
        current = None
    return _promote(stack, current, requested)


def rollback(stack: Stack) -> PromoteReport:
    """Make the parent of the current version current again.

    Raises:
        DataError: it is the first one.
    """
    current = find_current(stack)
    if current.parent is None:
        raise DataError(
            f"{current.name} is the first model version, so there is none to go back to",
            "See which there are: annoloop model list",
        )
    return _promote(stack, current, find_version(stack, current.parent))


def _promote(stack: Stack, current: ModelVersion | None, requested: ModelVersion) -> PromoteReport:
    changed = current is None or requested.number != current.number
    if changed:
        now = datetime.now(timezone.utc).isoformat()
        stack.registry.promote(requested, now, stack.person)
    return PromoteReport(
        requested.dataset, requested.name, current.name if current else "", changed
    )


def find_version(stack: Stack, name: str) -> ModelVersion:
    """The version called ``v3-1a2b3c``, ``v3`` or ``3``."""
    versions = stack.registry.versions()
    for version in versions:
        if name in (version.name, f"v{version.number}", str(version.number)):
            return version
    names = [version.name for version in versions]
    number = name.partition("-")[0]  # who mistypes the rest means this one
    close = [n for n in names if n.partition("-")[0] == number] or names
    raise DataError(
        f"the dataset {stack.config.dataset.name} has no model version {name}"
        + did_you_mean(name, close, 0.3 if close != names else 0.6),
        "See which there are: annoloop model list" if names else "Make one: annoloop train",
    )
