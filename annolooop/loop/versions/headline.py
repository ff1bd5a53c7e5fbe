"""Which figure tells how good a version is: the one rule about small numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from annolooop.domain.versions import Estimate, Evaluation, ModelVersion, evaluation_of
from annolooop.model.heads.interval import wilson

HOLDOUT_TELLS = 50  # images of a holdout below which cross-validation leads
CALIBRATION_TELLS = 100  # images below which a calibration error is mostly chance
EARLY = "too early to tell"
CROSS_VALIDATION, HOLDOUT = "cross-validation", "holdout"


@dataclass(frozen=True)
class Headline:
    """The accuracy to go by.

    Attributes:
        by: ``holdout`` or ``cross-validation``.
        n: images that it is measured on.
        accuracy: with its 95 % interval (Wilson).
        early: the holdout is too small to tell how good the version is.
    """

    by: str
    n: int
    accuracy: Estimate
    early: bool


def headline(metrics: Mapping[str, Any]) -> Headline | None:
    """The figure to go by, of the metrics of a version; ``None`` where there is none.

    A holdout of fewer than ``HOLDOUT_TELLS`` images says little. Then it is the cross-validation on
    the training images: the share of them that heads predict correctly which did not learn from
    them, with Wilson's interval as if these were independent. Heads of folds share most of their
    training images, so the interval is a little too narrow (Bengio and Grandvalet 2004).
    """
    held = metrics.get("holdout", {"n": 0})
    early = held["n"] < HOLDOUT_TELLS
    crossed = metrics.get("cross_validation", {}).get("accuracy")
    n = metrics.get("trained_on") or 0
    if early and crossed is not None and n:
        accuracy = Estimate(crossed, *wilson(round(crossed * n), n))
        return Headline(CROSS_VALIDATION, n, accuracy, early)
    if held.get("accuracy") is None:
        return None
    accuracy = Estimate(held["accuracy"], held.get("low"), held.get("high"))
    return Headline(HOLDOUT, held["n"], accuracy, early)


def shows_calibration(n: int) -> bool:
    """Whether a calibration error, or a plot of it, on so many images tells something."""
    return n >= CALIBRATION_TELLS


def shown_evaluation(version: ModelVersion) -> Evaluation | None:
    """How good a version was on the holdout, without a calibration error that is mostly chance."""
    found = evaluation_of(version)
    if found is None or shows_calibration(found.n):
        return found
    return replace(found, ece=Estimate())


def shown_calibration(version: ModelVersion) -> dict[str, Any] | None:
    """Its temperature and what that changes; likewise."""
    found: dict[str, Any] | None = version.metrics.get("calibration")
    if found is None or shows_calibration(found["n"]):
        return found
    return {**found, "ece_before": None, "ece_after": None}
