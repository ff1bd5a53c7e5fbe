"""A learning curve, its forecast, and the advice that follows."""

from pathlib import Path

import numpy as np
import pytest
from support.trained_dataset import NAME, TrainedDataset

from annolooop.domain.progress import untracked
from annolooop.domain.versions import Estimate
from annolooop.errors import DataError
from annolooop.loop.quality.curve import advise, curve, describe_gain
from annolooop.model.judging.curve import Forecast, Measured


def forecast(low: float, value: float, high: float) -> Forecast:
    return Forecast(200, Estimate(0.8, 0.7, 0.9), Estimate(value, low, high))


def measured(correct: int, images: int = 100) -> Measured:
    return Measured(1.0, 100, (np.arange(images) < correct)[None])


def test_a_small_holdout_leaves_judging_to_images_out_of_fold(dataset: TrainedDataset) -> None:
    report = curve(dataset.stack(), NAME, True, untracked)
    assert (report.judged_by, report.judges, report.labels) == ("out-of-fold", 60, 60)
    assert [point.share for point in report.points] == [0.25, 0.5, 0.75, 1.0]
    # What people have to give, those of the holdout too.
    assert [point.labels for point in report.points] == [15, 30, 45, 60]
    assert report.forecast.labels == 120
    assert report.verdict.startswith("about 60 more labels: ")


def test_too_few_labels_are_refused(tmp_path: Path) -> None:
    few = TrainedDataset(tmp_path, 12)
    with pytest.raises(DataError, match="at least 40 labelled images"):
        curve(few.stack(), NAME, True, untracked)


@pytest.mark.parametrize(
    ("correct", "gain", "stop", "why"),
    [
        (90, (-0.01, 0.02, 0.05), False, "a gain of 2.0 points is expected"),
        (70, (-0.01, 0.0, 0.005), True, "even at best"),
        (70, (-0.01, 0.005, 0.05), False, "cannot be ruled out"),
    ],
)
def test_advice_follows_from_the_interval_of_the_gain(
    correct: int, gain: tuple[float, float, float], stop: bool, why: str
) -> None:
    advice, reason = advise(measured(correct), forecast(*gain))
    assert advice is stop
    assert why in reason


def test_an_accuracy_near_the_ceiling_stops() -> None:
    stop, why = advise(measured(5000, 5000), forecast(0.0, 0.02, 0.05))
    assert stop
    assert "already" in why


def test_a_forecast_from_few_labels_is_called_a_guess() -> None:
    assert "guess" in describe_gain(forecast(0.0, 0.02, 0.05).gain, 100)
    many = describe_gain(forecast(0.0, 0.02, 0.05).gain, 1000)
    assert "guess" not in many
    assert "+2.0 points, 0.0 to 5.0" in many
