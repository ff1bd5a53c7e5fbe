"""Which figure tells how good a version is, at small numbers."""

from types import SimpleNamespace
from typing import Any

import pytest

from annolooop.loop.versions.headline import (
    headline,
    shown_calibration,
    shown_evaluation,
    shows_calibration,
)


def metrics(holdout: int, crossed: float | None = 0.84, trained_on: int | None = 100) -> Any:
    held: dict[str, Any] = {"n": holdout}
    if holdout >= 10:
        held |= {"accuracy": 0.4, "low": 0.2, "high": 0.7}
    figures = {} if crossed is None else {"accuracy": crossed}
    return {"holdout": held, "cross_validation": figures, "trained_on": trained_on}


@pytest.mark.parametrize(
    ("of", "by", "early"),
    [
        (metrics(0), "cross-validation", True),
        (metrics(10), "cross-validation", True),
        (metrics(49), "cross-validation", True),
        (metrics(50), "holdout", False),
        (metrics(10, None), "holdout", True),  # a fine-tuned version has no cross-validation
        (metrics(10, trained_on=None), "holdout", True),
    ],
)
def test_cross_validation_leads_while_the_holdout_is_small(of: Any, by: str, early: bool) -> None:
    found = headline(of)
    assert found
    assert (found.by, found.early) == (by, early)


def test_cross_validation_has_the_interval_of_all_its_images() -> None:
    found = headline(metrics(10))
    assert found
    assert found.n == 100
    low, high = found.accuracy.low, found.accuracy.high
    assert (round(low or 0, 2), round(high or 0, 2)) == (0.76, 0.90)


def test_version_that_was_not_measured_has_no_figure() -> None:
    assert headline({"holdout": {"n": 0}}) is None
    assert headline(metrics(9, None)) is None


@pytest.mark.parametrize(("n", "shown"), [(99, False), (100, True)])
def test_calibration_is_shown_from_a_hundred_images_on(n: int, shown: bool) -> None:
    assert shows_calibration(n) is shown


@pytest.mark.parametrize(("images", "shown"), [(99, False), (100, True)])
def test_calibration_errors_of_few_images_are_in_no_report(images: int, shown: bool) -> None:
    figures = {"n": images, "temperature": 1.5, "ece_before": 0.2, "ece_after": 0.1}
    one = {"value": 0.1, "low": 0.0, "high": 0.2}
    kinds = ("accuracy", "balanced_accuracy", "log_loss", "ece")
    stored = {"n": images, "classes": {}, "confusion": [], **dict.fromkeys(kinds, one)}
    version: Any = SimpleNamespace(metrics={"calibration": figures, "evaluation": stored})
    evaluation, calibration = shown_evaluation(version), shown_calibration(version)
    assert evaluation
    assert calibration
    assert evaluation.accuracy.value == 0.1
    assert (evaluation.ece.value is not None) == shown
    assert (calibration["ece_after"] is not None) == shown
    assert calibration["temperature"] == 1.5
