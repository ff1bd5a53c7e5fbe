"""The figures of a version that trackers get."""

import pytest
from support.records import draft
from support.trained_dataset import TrainedDataset

from annolooop.loop.train.tracking import figures_of, send_figures


def test_figures_are_numbers_with_names_that_trackers_take(dataset: TrainedDataset) -> None:
    figures = figures_of(dataset.version, 52, {"aria": 30, "not_aria": 30})
    assert figures["images/learnt_from"] == 52
    assert (figures["labelled/aria"], figures["labelled/not_aria"]) == (30, 30)
    assert figures["holdout/images"] == dataset.version.metrics["holdout"]["n"]
    assert figures["holdout/accuracy"] == dataset.version.metrics["holdout"]["accuracy"]
    assert {"holdout/accuracy_low", "holdout/ece", "label/aria/recall"} <= figures.keys()
    assert {type(value) for value in figures.values()} == {float}


def test_what_is_not_known_is_left_out() -> None:
    figures = figures_of(draft(metrics={"holdout": {"n": 3}}), 10, {})
    assert figures == {"images/learnt_from": 10, "holdout/n": 3}


@pytest.mark.parametrize(("verdict", "promoted"), [("promoted", 1), ("refused", 0)])
def test_the_verdict_of_the_gate_is_a_number(verdict: str, promoted: float) -> None:
    metrics = {"gate": {"verdict": verdict, "p_value": 0.25}}
    figures = figures_of(draft(metrics=metrics), 10, {})
    assert (figures["gate/promoted"], figures["gate/p_value"]) == (promoted, 0.25)


def test_labels_that_look_alike_to_a_tracker_stay_two() -> None:
    figures = figures_of(draft(metrics={}), 1, {"a b": 2, "a/b": 3})
    assert sorted(v for k, v in figures.items() if k.startswith("labelled/")) == [2, 3]


def test_without_a_tracker_nothing_is_sent(dataset: TrainedDataset) -> None:
    assert send_figures(dataset.stack(), dataset.version, 52, {}) == {}


def test_a_tracker_that_fails_is_reported_and_stops_nothing(dataset: TrainedDataset) -> None:
    (dataset.project.folder / "file").write_text("")
    stack = dataset.stack("tracking.tensorboard=file/runs")
    sent = send_figures(stack, dataset.version, 52, {})
    assert sent["tensorboard"]
