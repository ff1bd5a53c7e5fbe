"""The page as one HTML file that needs nothing else: no network, no other file.

Jinja2 escapes all that people chose, the name of a label for one. A policy in the page allows its
own two scripts by their hashes, and no request at all: so nothing else runs, even if a name were
not escaped somewhere.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from importlib import resources
from math import floor
from typing import TYPE_CHECKING, NamedTuple

from annolooop.page import numbers, plots, words
from annolooop.page.colours import DARK, LIGHT, variables
from annolooop.page.content import Content, Map
from annolooop.page.glossary import GLOSSARY

if TYPE_CHECKING:
    from jinja2 import Environment

MARK = "<!-- annoloop report -->"  # a file that begins with it may be replaced
GENERATED = f"<!doctype html>\n{MARK}\n"


FOR_EVERYBODY = ("people", "pool")  # sections before those for who trains the model


class Section(NamedTuple):
    """A section that the page has: its name, heading, and whether it has something to show."""

    name: str
    title: str
    filled: bool


def write(content: Content) -> str:
    """Draw everything."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment, scripts = _environment(), [str(get_plotlyjs()), _own("page.js")]

    figures = _figures(content)
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    shown = [s for s in _sections(content, figures) if s.filled or s.name in content.missing]
    body = environment.get_template("page.html.j2").render(
        content=content,
        figures=figures,
        facts=words.facts(content.verdict, content.effort, content.created_at),
        confused=words.confusions(content.evaluation, content.labels),
        shown=shown,
        details=next((s.name for s in shown if s.name not in FOR_EVERYBODY), ""),
        light=Markup(variables(LIGHT)),
        dark=Markup(variables(DARK)),
        style=Markup(_own("page.css")),
        policy=Markup(
            "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
            f"script-src {hashes}; base-uri 'none'; form-action 'none'"
        ),
        data={
            "figures": figures,
            "points": _columns(content.map) if content.map else None,
            "colours": {"light": LIGHT, "dark": DARK},
        },
        scripts=[Markup(script) for script in scripts],
    )
    return GENERATED + body


def _environment() -> Environment:
    """The templates, with all that they show escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("annolooop.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    environment.filters |= {
        "percent": numbers.percent,
        "interval": numbers.interval,
        "span": numbers.span,
        "number": numbers.number,
        "day": numbers.day,
        "percent_width": lambda share: f"{share:.0%}",
        "seconds": numbers.seconds,
        "goal": numbers.goal,
        "floor_tenth": lambda share: min(0.9, floor(10 * share - 0.2) / 10),
        "place": _place,
        "element": lambda word: word.replace(" ", "-"),
        "shell_quote": shlex.quote,
    }
    environment.globals["words"] = GLOSSARY
    return environment


def _place(share: float, start: float, from_right: bool = False) -> str:
    """Where a share is on a line from the start to 1, as CSS has it."""
    along = min(max((share - start) / (1 - start), 0.0), 1.0)
    return f"{100 * (1 - along if from_right else along):.1f}%"


def _sections(content: Content, figures: dict[str, plots.Figure]) -> list[Section]:
    """All sections in their order; the template has a macro of the name of each."""
    evaluation = content.evaluation
    progress = bool(content.versions or content.rounds or "plot-curve" in figures)
    return [
        Section("people", "People", bool(content.annotators)),
        Section("pool", "All images by label", bool(content.pool.images)),
        Section("progress", "Rounds and learning curve", progress),
        Section("quality", "What gets confused", evaluation is not None),
        Section("classes", "Label by label", bool(evaluation and evaluation.classes)),
        Section("calibration", "Is its confidence right?", content.reliability is not None),
        Section("map", "Map of the images", content.map is not None),
        Section("errors", "Worst errors on the images set aside", bool(content.errors)),
        Section("suspects", "Labels that may be wrong", bool(content.suspects)),
        Section("acceptance", "Do people agree with the model?", bool(content.acceptance)),
    ]


def _figures(content: Content) -> dict[str, plots.Figure]:
    """The figures that have something to show, by the id of their element."""
    figures: dict[str, plots.Figure] = {}
    if content.curve or any(v.accuracy.value is not None for v in content.versions):
        figures["plot-curve"] = plots.curve(content.versions, content.curve, content.forecast)
    if content.evaluation and content.evaluation.confusion:
        figures["plot-confusion"] = plots.confusion(content.evaluation, content.labels)
    if content.reliability:
        figures["plot-reliability"] = plots.reliability(content.reliability)
    if content.map:
        figures["plot-map"] = plots.images(content.map, content.labels)
    return figures


def _columns(drawn: Map) -> dict[str, object]:
    """What the page shows of a point when it is touched."""
    numbered: dict[str, int] = {}

    def number_of(label: str) -> int:
        return numbered.setdefault(label, len(numbered))

    points = drawn.points
    return {
        "key": [p.key for p in points],
        "label": [number_of(p.label) if p.label else -1 for p in points],
        "predicted": [number_of(p.predicted) for p in points],
        "uncertainty": [round(p.uncertainty, 3) for p in points],
        "url": [p.url for p in points],
        "thumb": [p.thumb for p in points],
        "labels": list(numbered),
    }


def _own(name: str) -> str:
    return (resources.files("annolooop.page") / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
