"""Figures as Plotly takes them: values, intervals, and escaped names."""

import pytest

from annolooop.domain.versions import Estimate, Evaluation
from annolooop.page.content import CalibrationBin, CurvePlace, Map, Point, Reliability, VersionPoint
from annolooop.page.plots import GROUPS, NUMBERED, confusion, curve, images, reliability, short

SURE = Estimate(0.9, 0.8, 0.95)
NOT_KNOWN = Estimate()


def version(number: int, accuracy: Estimate = SURE, current: bool = False) -> VersionPoint:
    return VersionPoint(number, f"v{number}-<b>", "2026-01-01", 10 * number, 30, accuracy, current)


def point(label: str = "", predicted: str = "a", uncertainty: float = 0.2) -> Point:
    return Point(1.0, 2.0, "images/a.jpg", label, predicted, uncertainty)


def test_a_long_label_is_cut_and_escaped() -> None:
    assert short("<i>") == "&lt;i&gt;"
    assert short("a" * 20) == "a" * 13 + "…"


def test_versions_are_drawn_with_their_intervals_and_the_current_one_is_marked() -> None:
    (trace,) = curve([version(1), version(2, current=True)], (), None)["data"]
    assert trace["x"] == [40, 50]  # with those of the holdout
    assert trace["error_y"]["array"] == [0.05, 0.05]
    assert trace["error_y"]["arrayminus"] == [0.1, 0.1]
    assert trace["marker"]["symbol"] == ["circle", "diamond"]


def test_a_version_without_an_accuracy_is_left_out() -> None:
    (trace,) = curve([version(1, NOT_KNOWN), version(2)], (), None)["data"]
    assert trace["x"] == [50]


def test_a_forecast_continues_the_learning_curve() -> None:
    places = (CurvePlace(10, SURE), CurvePlace(20, SURE))
    measured, line, ahead = curve((), places, CurvePlace(40, SURE))["data"]
    assert measured["x"] == [10, 20]
    assert line["x"] == [20, 40]
    assert ahead["x"] == [40]


def test_names_of_versions_are_escaped_in_hover_texts() -> None:
    (trace,) = curve([version(1)], (), None)["data"]
    assert "<b>" not in trace["hovertext"][0]
    assert "&lt;b&gt;" in trace["hovertext"][0]


def test_cells_of_the_confusion_matrix_are_shares_of_their_row() -> None:
    figure = confusion(Evaluation(6, SURE, confusion=((3, 1), (0, 2))), ["a", "b"])
    (trace,) = figure["data"]
    assert trace["z"] == [[0.75, 0.25], [0, 1]]
    assert trace["text"] == [["3", "1"], ["", "2"]]


def test_a_large_matrix_has_no_numbers_in_its_cells() -> None:
    k = NUMBERED + 1
    rows = tuple(tuple(int(i == j) for j in range(k)) for i in range(k))
    (trace,) = confusion(Evaluation(k, SURE, confusion=rows), [str(n) for n in range(k)])["data"]
    assert "text" not in trace
    assert len(trace["z"]) == k


@pytest.mark.parametrize(("raw", "traces"), [((), 2), ((CalibrationBin(5, 0.6, SURE),), 3)])
def test_reliability_shows_the_diagonal_and_what_was_before(
    raw: tuple[CalibrationBin, ...], traces: int
) -> None:
    figure = reliability(
        Reliability((CalibrationBin(10, 0.7, SURE), CalibrationBin(40, 0.9, SURE)), raw)
    )
    assert len(figure["data"]) == traces
    assert figure["data"][0]["x"] == [0, 1]
    small, large = figure["data"][-1]["marker"]["size"]
    assert small < large == 16


def test_labelled_images_are_filled_and_predicted_ones_hollow() -> None:
    drawn = images(Map((point("a"), point("", "a")), 2, "t-SNE"), ["a", "b"])
    first = drawn["data"][0]
    assert first["marker"]["symbol"] == ["circle", "circle-open"]
    assert first["customdata"] == [0, 1]


def test_the_last_trace_of_the_map_is_the_uncertainty_and_hidden_at_first() -> None:
    last = images(Map((point(uncertainty=0.25), point()), 2, "t-SNE"), ["a"])["data"][-1]
    assert last["visible"] is False
    assert last["marker"]["color"] == [0.25, 0.2]


def test_rare_combinations_of_labels_are_one_group_of_the_map() -> None:
    points = tuple(point(f"label {n}") for n in range(GROUPS + 5))
    figure = images(Map((*points, point("label 0")), 50, "t-SNE"), [])
    names = [trace["name"] for trace in figure["data"]]
    assert len(names) == GROUPS + 1  # with the uncertainty
    assert "others" in names
    assert "label 0" in names
