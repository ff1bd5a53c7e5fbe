"""The parts of the report that come from versions, without Label Studio."""

from pathlib import Path

import pytest
from support.trained_dataset import TrainedDataset

from annolooop.domain.progress import untracked
from annolooop.loop.report.model import judge, progress
from annolooop.loop.versions.headline import CALIBRATION_TELLS


def test_the_current_version_is_judged_on_labelled_images_of_the_holdout(
    dataset: TrainedDataset,
) -> None:
    judged = judge(dataset.stack(), dataset.read(), dataset.version)
    assert len(judged.held) == dataset.version.metrics["holdout"]["n"]
    assert judged.probabilities.shape == (len(judged.held), 2)
    assert judged.evaluation is not None
    assert set(judged.missing) == {"calibration"}


def test_bins_of_the_reliability_hold_all_of_the_holdout(
    dataset: TrainedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annolooop.loop.report.model.shows_calibration", lambda n: n > 10)
    judged = judge(dataset.stack(), dataset.read(), dataset.version)
    assert judged.missing == {}
    assert judged.reliability is not None
    assert sum(b.n for b in judged.reliability.bins) == len(judged.held)
    for b in judged.reliability.bins:
        assert b.correct.low is not None
        assert b.correct.value is not None
        assert b.correct.low <= b.correct.value


def test_without_a_trained_version_each_section_names_the_command(dataset: TrainedDataset) -> None:
    first = dataset.stack().registry.version(1)
    for version in (None, first):
        judged = judge(dataset.stack(), dataset.read(), version)
        assert set(judged.missing) == {"quality", "calibration", "errors"}
        assert {m.command for m in judged.missing.values()} == {"annoloop train --rerun"}


def test_a_holdout_below_a_hundred_images_gives_no_reliability(tmp_path: Path) -> None:
    few = TrainedDataset(tmp_path, 6)
    judged = judge(few.stack(), few.read(), few.version)
    assert len(judged.held) < CALIBRATION_TELLS == 100
    assert judged.reliability is None
    assert "100 are needed" in judged.missing["calibration"].why


def test_progress_shows_trained_versions_with_their_labels(dataset: TrainedDataset) -> None:
    found = progress(dataset.stack(), dataset.read(), dataset.version, untracked)
    (point,) = found.versions
    assert (point.number, point.current, point.refused) == (2, True, False)
    assert point.labels + point.holdout == 60
    assert point.accuracy.value == pytest.approx(dataset.version.metrics["holdout"]["accuracy"])


def test_a_version_that_is_not_current_is_not_shown_as_such(dataset: TrainedDataset) -> None:
    first = dataset.stack().registry.version(1)
    (point,) = progress(dataset.stack(), dataset.read(), first, untracked).versions
    assert not point.current


def test_progress_holds_a_curve_with_its_forecast_in_words(dataset: TrainedDataset) -> None:
    found = progress(dataset.stack(), dataset.read(), dataset.version, untracked)
    assert len(found.curve) == 4
    assert found.forecast is not None
    assert found.forecast.labels == 120
    assert found.outlook.startswith("Forecast for about 60 more labels")


def test_a_dataset_without_rounds_says_how_to_ask(dataset: TrainedDataset) -> None:
    found = progress(dataset.stack(), dataset.read(), dataset.version, untracked)
    assert found.missing["rounds"].command == "annoloop infer --query 100"


def test_too_few_labels_leave_a_reason_in_place_of_the_curve(tmp_path: Path) -> None:
    few = TrainedDataset(tmp_path, 8)
    found = progress(few.stack(), few.read(), few.version, untracked)
    assert found.curve == ()
    assert "at least 40 labelled images" in found.missing["curve"].why
