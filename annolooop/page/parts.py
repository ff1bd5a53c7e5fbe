"""What the sections of the page are made of: tables, bars, pictures, words."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from annolooop.domain.versions import Estimate
from annolooop.page.content import Missing, Picture
from annolooop.page.plots import percent, span

Cell = str  # HTML


def figure(name: str, figures: Mapping[str, str], square: bool = False) -> str:
    """The place of a figure; empty if there is none of that name."""
    if name not in figures:
        return ""
    told = escape(figures[name])
    return (
        f"<figure{' class=square' if square else ''}>"
        f'<div class="plot" id="{name}" role="img" aria-label="{told}"></div>'
        f'<img class="still" alt="{told}"></figure>'
    )


def table(head: Sequence[str], rows: Iterable[tuple[Sequence[Cell], bool]]) -> str:
    """A table of cells that are HTML, some rows of it in bold."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr{' class=now' if now else ''}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for cells, now in rows
    )
    inside = f"<thead><tr>{top}</tr></thead><tbody>{lines}</tbody>"
    return f'<div class="scroll"><table>{inside}</table></div>'


def gallery(pictures: Sequence[Picture], given: str, other: str, doubted: bool = False) -> str:
    """Thumbnails with words; ``doubted`` tells the confidence in the label that was given."""
    return f'<ul class="gallery">{"".join(_card(p, given, other, doubted) for p in pictures)}</ul>'


def _card(picture: Picture, given: str, other: str, doubted: bool) -> str:
    sure = percent(picture.confidence, 0)
    seen = (
        f'<img src="data:image/webp;base64,{picture.thumb}" alt="{escape(picture.key)}">'
        if picture.thumb
        else "the image is gone"
    )
    says = ""
    if picture.confidence is not None:
        says = f"{other}: {_label(picture.suggested)} {'' if doubted else sure}"
    inside = (
        f'<span class="frame">{seen}</span><span class="said" style="display:block">'
        f"{given}: {_label(picture.label)} {sure if doubted else ''}<br>{says}"
        f'<span class="key">{escape(picture.key.rpartition("/")[2])}</span></span>'
    )
    if picture.url.startswith(("http://", "https://")):
        address = escape(picture.url)
        return (
            f'<li><a class="card" href="{address}" target="_blank" rel="noopener">{inside}</a></li>'
        )
    return f'<li><span class="card">{inside}</span></li>'


def _label(name: str) -> str:
    """Set apart from what is around it, which would change places with one written leftwards."""
    return f'<b dir="auto">{escape(name) or "none"}</b>'


def nothing(missing: Missing) -> str:
    """What is said where there is nothing to show."""
    command = f" <code>{escape(missing.command)}</code>" if missing.command else ""
    return f'<p class="empty">{escape(missing.why)}{command}</p>'


def measured(estimate: Estimate) -> str:
    """A share with its interval and a bar."""
    return f"{share(estimate)}{rail(estimate.value)}" if estimate.value is not None else "–"


def decimal(estimate: Estimate) -> str:
    """A figure from 0 to 1 with its interval."""
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} {_interval(f'({estimate.low:.2f} to {estimate.high:.2f})')}"


def share(estimate: Estimate) -> str:
    """A share with its interval, which may stand below it."""
    told = span(estimate)
    value, _, interval = told.partition(" (")
    return f"{value} {_interval(f'({interval}')}" if interval else told


def _interval(told: str) -> str:
    return f'<span class="ci">{told}</span>'


def rail(share: float) -> str:
    """A bar of a share."""
    return f'<span class="rail"><span class="bar" style="width:{min(share, 1):.0%}"></span></span>'


def number(n: int) -> str:
    """A number for people."""
    return f"{n:,}".replace(",", "\u202f")


def day(iso: str) -> str:
    """A date."""
    return escape(iso[:10])
