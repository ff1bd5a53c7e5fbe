"""People's work: how long it took, and what is still to be done."""

from dataclasses import replace

import pytest
from support.records import annotation
from support.trained_dataset import TrainedDataset

from annolooop.domain.progress import untracked
from annolooop.domain.versions import Estimate
from annolooop.loop.quality.curve import CurveReport, curve
from annolooop.loop.report.effort import effort, work_times
from annolooop.page.content import EARLY, Need, Verdict

BELOW = Verdict("not yet", "", "", 0.99, Estimate(0.8, 0.7, 0.85), 100, "holdout")


def test_a_pause_counts_as_ten_times_the_median() -> None:
    given = [annotation(n, lead_time=4.0) for n in range(1, 10)]
    given += [annotation(10, lead_time=3600.0), annotation(11)]
    assert work_times(given) == [4.0] * 9 + [40.0]


def test_skips_are_work_and_accepted_predictions_are_none() -> None:
    skip = annotation(1, None, skipped=True, lead_time=2.0)
    assert work_times([skip, annotation(2, accepted="v1", lead_time=1.0)]) == [2.0]
    assert work_times([]) == []


@pytest.fixture(scope="module")
def measured(dataset: TrainedDataset) -> CurveReport:
    return curve(dataset.stack(), "offline", True, untracked)


def need(
    dataset: TrainedDataset,
    verdict: Verdict,
    measured: CurveReport | None,
    seconds: float | None = 36.0,
) -> Need | None:
    """Where each answer takes that long."""
    labels = dataset.read()
    timed = tuple(replace(a, lead_time=seconds) for a in labels.snapshot.annotations)
    labels = replace(labels, snapshot=replace(labels.snapshot, annotations=timed))
    return effort(labels, verdict, measured, 80, 0).need


def test_labels_and_answers_are_counted(dataset: TrainedDataset) -> None:
    found = effort(dataset.read(), EARLY, None, 80, 5)
    assert (found.labels, found.images, found.answers, found.waiting) == (60, 80, 60, 5)
    assert (found.timed, found.hours, found.seconds_each) == (0, 0.0, None)
    assert found.last_answer


def test_while_it_is_too_early_a_larger_holdout_is_needed(dataset: TrainedDataset) -> None:
    held = sum(e.split == "holdout" for e in dataset.read().examples)
    found = need(dataset, EARLY, None)
    assert found is not None
    assert found.until == "to tell"
    assert found.labels == -(-(50 - held) * 10 // 3)  # 0.3 of them are for the holdout
    assert found.hours == pytest.approx(found.labels / 100)


def test_a_target_is_reached_by_the_curve(dataset: TrainedDataset, measured: CurveReport) -> None:
    rising = replace(measured, gain=Estimate(0.05, 0.03, 0.07))
    found = need(dataset, replace(BELOW, target=0.82), rising)
    assert found is not None
    assert found.until == "target"
    assert found.labels
    assert found.hours == pytest.approx(found.labels / 100)
    assert found.beyond == 3 * measured.points[-1].labels


def test_a_curve_that_does_not_reach_it_gives_no_number(
    dataset: TrainedDataset, measured: CurveReport
) -> None:
    flat = replace(measured, gain=Estimate(0.0, -0.05, 0.0))
    found = need(dataset, BELOW, flat)
    assert found is not None
    assert (found.labels, found.hours) == (None, None)
    assert found.hours_beyond == pytest.approx(found.beyond / 100) if found.beyond else False


def test_what_is_probably_reached_needs_more_images_to_be_sure(dataset: TrainedDataset) -> None:
    probably = replace(BELOW, state="probably", target=0.75)
    found = need(dataset, probably, None)
    assert found is not None
    assert (found.until, found.labels is not None) == ("to be sure", True)


@pytest.mark.parametrize(
    "verdict",
    [replace(BELOW, state="reached"), replace(BELOW, state="no target", target=None), BELOW],
)
def test_nothing_is_foreseen_where_nothing_is_left_or_known(
    dataset: TrainedDataset, verdict: Verdict
) -> None:
    assert need(dataset, verdict, None) is None


def test_without_times_there_are_labels_and_no_hours(
    dataset: TrainedDataset, measured: CurveReport
) -> None:
    rising = replace(measured, gain=Estimate(0.05, 0.03, 0.07))
    found = need(dataset, replace(BELOW, target=0.82), rising, None)
    assert found is not None
    assert found.labels
    assert found.hours is None
