"""The page as one HTML file that needs nothing else: no network, no other file.

A policy in it allows its own two scripts by their hashes, and no request at all. So nothing that
people chose, the name of a label for one, can bring in more, even where escaping it were forgotten.
"""

import base64
import hashlib
import json
from html import escape
from importlib import resources

from annolooop.errors import ConfigError
from annolooop.page import plots, sections
from annolooop.page.colours import DARK, LIGHT, variables
from annolooop.page.content import Content, Map

MARK = "<!-- annoloop report -->"  # a file that begins with it may be replaced
GENERATED = f"<!doctype html>\n{MARK}\n"


def write(content: Content) -> str:
    """Draw everything.

    Raises:
        ConfigError: Plotly is not installed.
    """
    scripts = [plotly(), _own("page.js")]
    figures = _figures(content)
    data = {
        "figures": figures,
        "points": _columns(content.map) if content.map else None,
        "colours": {"light": LIGHT, "dark": DARK},
    }
    body = sections.body(content, {name: figure["alt"] for name, figure in figures.items()})
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {hashes}; "
        "base-uri 'none'; form-action 'none'"
    )
    title = escape(f"{content.dataset}: annotation report")
    style = (
        f":root{{{variables(LIGHT)}}}"
        f"@media screen and (prefers-color-scheme: dark){{:root{{{variables(DARK)}}}}}"
    )
    head = (
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}\n{_own('page.css')}</style>\n"
    )
    return (
        f'{GENERATED}<html lang="en">\n<head>\n{head}</head>\n<body>\n{body}\n'
        f'<script type="application/json" id="data">{as_json(data)}</script>\n'
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )


def plotly() -> str:
    """Plotly's script.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise ConfigError(
            "the report is drawn by Plotly, which is not installed",
            "Install it: pip install 'annolooop[report]'",
        ) from None
    return str(get_plotlyjs())


def as_json(data: object) -> str:
    """JSON that may stand in a script element: nothing in it ends that, or begins a comment."""
    told = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        told = told.replace(character, f"\\u{ord(character):04x}")
    return told


def _figures(content: Content) -> dict[str, plots.Figure]:
    """The figures there is something to show in, by the id of their place."""
    found: dict[str, plots.Figure] = {}
    if content.curve or any(v.accuracy.value is not None for v in content.versions):
        found["plot-curve"] = plots.curve(content.versions, content.curve, content.forecast)
    if content.evaluation and content.evaluation.confusion:
        found["plot-confusion"] = plots.confusion(content.evaluation, content.labels)
    if content.reliability:
        found["plot-reliability"] = plots.reliability(content.reliability)
    if content.map:
        found["plot-map"] = plots.images(content.map, content.labels)
    return found


def _columns(found: Map) -> dict[str, object]:
    """What the page tells of a point when it is touched."""
    names: dict[str, int] = {}

    def place(label: str) -> int:
        return names.setdefault(label, len(names))

    points = found.points
    return {
        "key": [p.key for p in points],
        "label": [place(p.label) if p.label else -1 for p in points],
        "predicted": [place(p.predicted) for p in points],
        "uncertainty": [round(p.uncertainty, 3) for p in points],
        "url": [p.url for p in points],
        "thumb": [p.thumb for p in points],
        "labels": list(names),
    }


def _own(name: str) -> str:
    return (resources.files("annolooop.page") / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
