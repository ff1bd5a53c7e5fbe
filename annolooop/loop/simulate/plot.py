"""Curves of accuracy against labels, as a page that stands alone."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from annolooop.errors import UsageError
from annolooop.files.whole import replacing
from annolooop.loop.simulate.replay import Curve

SUFFIX = ".html"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f3c8d", "#555555")


def check_plot(file: Path) -> None:
    """Refuse, before any work is done, what could not be drawn.

    Raises:
        UsageError: the name does not end in ``.html``.
    """
    if file.suffix != SUFFIX:
        raise UsageError(
            f"--plot {file}: a plot is a {SUFFIX} file",
            f"For example: --plot {quote(f'{file.stem}{SUFFIX}')}",
        )


def draw_curves(file: Path, curves: Mapping[str, Curve], title: str) -> None:
    """Write a page with a line for each strategy, in a band of two standard errors to each side.

    It holds all that it needs, plotly too (about 5 MB).
    """
    from plotly.graph_objects import Figure

    figure = Figure()
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        labels, low, high = (
            curve.labels.tolist(),
            (curve.mean - 2 * curve.error).tolist(),
            (curve.mean + 2 * curve.error).tolist(),
        )
        figure.add_scatter(
            x=[*labels, *reversed(labels)],
            y=[*high, *reversed(low)],
            fill="toself",
            fillcolor=colour,
            opacity=0.15,
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
        )
        figure.add_scatter(
            x=labels,
            y=curve.mean.tolist(),
            error_y={"array": (2 * curve.error).tolist(), "visible": False},
            name=name,
            legendgroup=name,
            line={"color": colour},
            mode="lines",
        )
    figure.update_layout(
        title=f"Accuracy against labels, {title}",
        xaxis_title="labels",
        yaxis={"title": "accuracy on test images", "tickformat": ".0%"},
        template="plotly_white",
        hovermode="x unified",
    )
    with replacing(file) as part:
        part.write_text(figure.to_html(include_plotlyjs=True), encoding="utf-8")
