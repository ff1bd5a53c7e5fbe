"""The figures of the page, as Plotly specifies them: JSON of traces and a layout.

Texts that people chose are escaped: Plotly reads some HTML in them. Axes are numbered, so that a
label called "1" is no number, and two that look alike stay two.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

from annolooop.domain.versions import Estimate, Evaluation
from annolooop.page.colours import css, of_label
from annolooop.page.content import CalibrationBin, CurvePlace, Map, Reliability, VersionPoint
from annolooop.page.numbers import percent, span

Figure = dict[str, Any]
AXIS_CHARACTERS = 14  # characters of a label beside an axis
GROUPS = 40  # labels, or combinations of them, that the map shows apart
NUMBERED = 20  # labels up to which the cells of a matrix have numbers


def short(label: str, size: int = AXIS_CHARACTERS) -> str:
    """A label for an axis, escaped."""
    return _escaped(label if len(label) <= size else f"{label[: size - 1]}…")


def curve(
    versions: Sequence[VersionPoint], places: Sequence[CurvePlace], forecast: CurvePlace | None
) -> Figure:
    """Accuracy against labels: of versions, of a head fitted on shares of them, and forecast."""
    judged = [v for v in versions if v.accuracy.value is not None]
    traces = []
    if places:
        measured = [p for p in places if p.accuracy.value is not None]
        traces.append(
            _with_errors(
                [p.labels for p in measured],
                [p.accuracy for p in measured],
                [f"{p.labels} labels: {span(p.accuracy)}" for p in measured],
                name="learning curve",
                mode="lines+markers",
                line={"color": css("soft"), "width": 2},
                marker={"color": css("soft"), "size": 6},
            )
        )
    if judged:
        traces.append(
            _with_errors(
                [v.labels + v.holdout for v in judged],
                [v.accuracy for v in judged],
                [
                    f"{_escaped(v.name)}: {span(v.accuracy)} on {v.holdout} images<br>"
                    f"{v.labels + v.holdout} labels, {v.labels} of them to learn from"
                    for v in judged
                ],
                name="model versions",
                mode="lines+markers",
                line={"color": css("accent"), "width": 2},
                marker={
                    "color": css("accent"),
                    "size": [13 if v.current else 8 for v in judged],
                    "symbol": ["diamond" if v.current else "circle" for v in judged],
                },
            )
        )
    if forecast and forecast.accuracy.value is not None:
        if places:
            traces.append(
                {
                    "x": [places[-1].labels, forecast.labels],
                    "y": [places[-1].accuracy.value, forecast.accuracy.value],
                    "mode": "lines",
                    "line": {"color": css("warm"), "width": 1.5, "dash": "dot"},
                    "hoverinfo": "skip",
                    "showlegend": False,
                }
            )
        traces.append(
            _with_errors(
                [forecast.labels],
                [forecast.accuracy],
                [f"forecast for {forecast.labels} labels: {span(forecast.accuracy)}"],
                name="forecast",
                mode="markers",
                marker={"color": css("warm"), "size": 10, "symbol": "diamond-open"},
            )
        )
    layout = {
        "xaxis": {"title": {"text": "labels in all"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "accuracy"}, "tickformat": ".0%"},
        "legend": _below(),
    }
    return _figure(traces, layout, 380, "Accuracy against the number of labels")


def confusion(evaluation: Evaluation, labels: Sequence[str]) -> Figure:
    """Images by label and prediction; the colour shows the share of the row."""
    rows, k = evaluation.confusion, len(evaluation.confusion)
    shares = [[n / max(sum(row), 1) for n in row] for row in rows]
    ticks = {"tickvals": list(range(k)), "ticktext": [short(label) for label in labels[:k]]}
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": shares,
        "zmin": 0,
        "zmax": 1,
        "xgap": 1,
        "ygap": 1,
        "showscale": False,
        "colorscale": [[0, css("low")], [1, css("high")]],
        "hoverinfo": "text",
        "hovertext": [
            [
                f"{n} of {sum(row)} images that are {short(labels[i], 40)}:<br>"
                f"predicted as {short(labels[j], 40)}"
                for j, n in enumerate(row)
            ]
            for i, row in enumerate(rows)
        ],
    }
    if k <= NUMBERED:
        trace |= {"text": [[str(n or "") for n in row] for row in rows], "texttemplate": "%{text}"}
    layout = {
        "xaxis": {"title": {"text": "predicted"}, **ticks, "showgrid": False, "tickangle": -35},
        "yaxis": {
            "title": {"text": "label", "standoff": 6},
            **ticks,
            "autorange": "reversed",
            "showgrid": False,
        },
        "showlegend": False,
    }
    height = min(900, 190 + 34 * k if k <= NUMBERED else 240 + 15 * k)
    return _figure([trace], layout, height, "Confusion matrix", square=True)


def reliability(drawn: Reliability) -> Figure:
    """Share correct against confidence; on the diagonal the two are the same."""
    traces = [
        {
            "x": [0, 1],
            "y": [0, 1],
            "mode": "lines",
            "name": "as it should be",
            "hoverinfo": "skip",
            "line": {"color": css("muted"), "dash": "dot", "width": 1},
        }
    ]
    if drawn.raw:
        traces.append(
            {
                "x": [round(b.confidence, 4) for b in drawn.raw],
                "y": [round(b.correct.value or 0, 4) for b in drawn.raw],
                "hoverinfo": "text",
                "hovertext": [_hover(b) for b in drawn.raw],
                "mode": "lines+markers",
                "name": "before calibration",
                "line": {"color": css("soft"), "width": 1.5, "dash": "dash"},
                "marker": {"color": css("soft"), "size": 6},
            }
        )
    most = max((b.n for b in drawn.bins), default=1)
    traces.append(
        _with_errors(
            [round(b.confidence, 4) for b in drawn.bins],
            [b.correct for b in drawn.bins],
            [_hover(b) for b in drawn.bins],
            name="current version",
            mode="lines+markers",
            line={"color": css("accent"), "width": 2},
            marker={
                "color": css("accent"),
                "size": [round(6 + 10 * (b.n / most) ** 0.5, 1) for b in drawn.bins],
            },
        )
    )
    layout = {
        "xaxis": {"title": {"text": "confidence"}, "range": [0, 1.03], "tickformat": ".0%"},
        "yaxis": {"title": {"text": "share correct"}, "range": [0, 1.03], "tickformat": ".0%"},
        "legend": _below(),
    }
    return _figure(traces, layout, 420, "Reliability diagram", square=True)


def images(drawn: Map, labels: Sequence[str]) -> Figure:
    """The map: a trace for each label, and one by uncertainty, which is hidden at first."""
    points = drawn.points
    groups = _groups(drawn, labels)
    traces: list[dict[str, Any]] = []
    for number, (label, places) in enumerate(groups.items()):
        if not places:
            continue
        colour, shape = of_label(number)
        labelled = [bool(points[i].label) for i in places]
        traces.append(
            {
                **_scattered(drawn, places),
                "name": short(label, 24) or "none",
                "marker": {
                    "color": colour,
                    "size": 7,
                    "opacity": [0.95 if by_people else 0.6 for by_people in labelled],
                    "symbol": [shape if by_people else f"{shape}-open" for by_people in labelled],
                },
            }
        )
    traces.append(
        {
            **_scattered(drawn, range(len(points))),
            "name": "uncertainty",
            "visible": False,
            "showlegend": False,
            "marker": {
                "color": [round(p.uncertainty, 3) for p in points],
                "size": 7,
                "colorscale": [[0, css("sure")], [1, css("unsure")]],
                "cmin": 0,
                "colorbar": {
                    "title": {"text": "uncertainty", "side": "top"},
                    "orientation": "h",
                    "thickness": 10,
                    "len": 0.6,
                    "y": -0.02,
                    "yanchor": "top",
                    "outlinewidth": 0,
                    "tickformat": ".0%",
                },
            },
        }
    )
    plain = {"visible": False, "showgrid": False, "zeroline": False}
    layout = {
        "xaxis": plain,
        "yaxis": {**plain, "scaleanchor": "x"},
        "legend": {**_below(), "y": -0.02},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    }
    return {**_figure(traces, layout, 620, "Map of the images"), "map": True}


def _groups(drawn: Map, labels: Sequence[str]) -> dict[str, list[int]]:
    """Numbers of points by label; of combinations of labels, the rare ones together."""
    groups: dict[str, list[int]] = {label: [] for label in labels}
    for number, point in enumerate(drawn.points):
        groups.setdefault(point.label or point.predicted, []).append(number)
    if len(groups) <= GROUPS:
        return groups
    often = sorted(groups, key=lambda label: -len(groups[label]))[: GROUPS - 1]
    kept = {label: places for label, places in groups.items() if label in often}
    rest = [i for label, places in groups.items() if label not in often for i in places]
    return {**kept, "others": [*kept.get("others", ()), *rest]}


def _scattered(drawn: Map, places: Sequence[int]) -> dict[str, Any]:
    points = [drawn.points[i] for i in places]
    return {
        "x": [round(p.x, 3) for p in points],
        "y": [round(p.y, 3) for p in points],
        "customdata": list(places),
        "mode": "markers",
        "hoverinfo": "none",
    }


def _escaped(text: str) -> str:
    return escape(text, quote=False)  # Plotly shows a quote that is escaped as it is written


def _hover(one: CalibrationBin) -> str:
    return f"{one.n} images, {percent(one.confidence)} confidence: {span(one.correct)} correct"


def _with_errors(
    x: Sequence[float], y: Sequence[Estimate], hover: Sequence[str], **rest: Any
) -> dict[str, Any]:
    """A trace with intervals, which are drawn thinner than the line."""
    values = [e.value or 0.0 for e in y]
    up = [(v if e.high is None else e.high) - v for e, v in zip(y, values, strict=True)]
    down = [v - (v if e.low is None else e.low) for e, v in zip(y, values, strict=True)]
    return {
        "x": list(x),
        "y": [round(v, 4) for v in values],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [round(v, 4) for v in up],
            "arrayminus": [round(v, 4) for v in down],
            "thickness": 1.2,
            "width": 3,
            "color": rest.get("line", rest["marker"])["color"],
        },
        "hoverinfo": "text",
        "hovertext": list(hover),
        **rest,
    }


def _below() -> dict[str, Any]:
    return {"orientation": "h", "x": 0, "y": -0.22, "yanchor": "top"}


def _figure(
    traces: list[dict[str, Any]],
    layout: dict[str, Any],
    height: int,
    title: str,
    square: bool = False,
) -> Figure:
    data = [{"type": "scatter", **trace} for trace in traces]
    return {"data": data, "layout": layout, "height": height, "alt": title, "square": square}
