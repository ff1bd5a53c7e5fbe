"""Whether the target is reached, and how sure that is."""

from dataclasses import replace

import pytest

from annolooop.domain.versions import BackboneInfo, ModelVersion
from annolooop.loop.report.verdict import verdict
from annolooop.model.heads.interval import wilson

BACKBONE = BackboneInfo("resnet18", "DEFAULT", "0" * 16, "t", 512)
FIRST = ModelVersion(
    1, "v1-abcdef", "set", ("a", "b"), False, None, "", 0, BACKBONE, "models/x", "", ""
)


def version(right: int, n: int, crossed: float | None = None) -> ModelVersion:
    """One that is right about so many images of a holdout."""
    low, high = wilson(right, n)
    held = {"n": n, "accuracy": right / n, "low": low, "high": high}
    metrics = {"holdout": held, "trained_on": 160, "cross_validation": {"accuracy": crossed}}
    return replace(FIRST, trained=True, metrics=metrics)


@pytest.mark.parametrize(
    ("target", "right", "state", "title"),
    [
        (0.9, 190, "reached", "Target reached"),  # 0.910 to 0.973
        (0.92, 190, "probably", "Target probably reached, not yet sure"),
        (0.95, 190, "probably", "Target probably reached, not yet sure"),
        (0.96, 190, "close", "Close to the target, not yet sure"),
        (0.98, 190, "not yet", "Target not reached yet"),
        (None, 190, "no target", "No target set"),
    ],
)
def test_the_whole_interval_is_compared(
    target: float | None, right: int, state: str, title: str
) -> None:
    found = verdict(target, version(right, 200))
    assert (found.state, found.title) == (state, title)
    assert (found.n, found.by, found.target) == (200, "holdout", target)
    assert "between 91.0\u00a0% and 97.3\u00a0%" in found.text


def test_with_a_small_holdout_nothing_is_compared_and_cross_validation_leads() -> None:
    found = verdict(0.5, version(40, 49, 0.9))
    assert (found.state, found.by, found.n) == ("early", "cross-validation", 160)
    assert "right about 90.0\u00a0%" in found.text
    assert "fewer than 50 images set aside" in found.text
    assert verdict(0.5, version(40, 50, 0.9)).state == "reached"


def test_a_small_holdout_alone_is_too_early_too() -> None:
    found = verdict(0.5, version(40, 40))
    assert (found.state, found.by, found.n) == ("early", "holdout", 40)


@pytest.mark.parametrize("made", [None, FIRST])
def test_without_a_trained_version_nothing_is_measured(made: ModelVersion | None) -> None:
    found = verdict(0.95, made)
    assert found.state == "early"
    assert found.accuracy.value is None
    assert found.text == "The model has not been measured yet. The target is 95\u00a0%."
