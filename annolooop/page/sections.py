"""The text of the page: headings, tables, pictures, and what to type where there is nothing."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from shlex import quote

from annolooop.page.content import Content, Missing, Picture
from annolooop.page.plots import percent, span
from annolooop.records import Estimate

Cell = str  # HTML
TITLES = {
    "progress": "Rounds and learning curve",
    "quality": "What gets confused",
    "classes": "Label by label",
    "calibration": "Can its confidence be believed?",
    "map": "Map of the images",
    "errors": "Worst errors on the holdout",
    "suspects": "Labels that may be wrong",
    "people": "People",
    "acceptance": "Do people agree with the model?",
}


def body(content: Content, figures: Mapping[str, str]) -> str:
    """Everything that is seen. ``figures`` are those there are: id -> what it shows."""
    parts = {
        "progress": _progress(content, figures),
        "quality": _quality(content, figures),
        "classes": _classes(content),
        "calibration": _calibration(content, figures),
        "map": _map(content, figures),
        "errors": _errors(content),
        "suspects": _suspects(content),
        "people": _people(content),
        "acceptance": _acceptance(content),
    }
    made = []
    for name, inside in parts.items():
        if inside or name in content.missing:
            told = inside or _nothing(content.missing[name])
            made.append(f'<section id="{name}">\n<h2>{TITLES[name]}</h2>\n{told}\n</section>')
    links = "".join(
        f'<a href="#{name}">{TITLES[name]}</a>'
        for name, inside in parts.items()
        if inside or name in content.missing
    )
    return (
        f"{_top(content)}<nav>{links}</nav>\n</header>\n<main>\n"
        + "\n".join(made)
        + "\n</main>\n"
        + "<footer>Made by annoloop: <code>annoloop report</code>. Intervals are 95 %. The "
        + "holdout is what no model version learns from.</footer>\n"
        + '<div id="peek" role="status"></div>'
    )


def _top(content: Content) -> str:
    facts = "".join(
        f'<div><dt>{escape(f.name)}</dt><dd class="value">{escape(f.value)}</dd>'
        f'<dd class="detail">{escape(f.detail)}</dd></div>'
        for f in content.facts
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in content.notes)
    version = content.version or "no model yet"
    return (
        f"<header>\n<h1>{escape(content.dataset)}</h1>\n"
        f'<p class="muted wide">{_day(content.created_at)} · model in force: '
        f"{escape(version)} · {escape(content.based_on)}</p>\n"
        f'<dl class="facts">{facts}</dl>\n{notes}'
        "<noscript><p>Figures need JavaScript, which this page has in itself.</p></noscript>\n"
    )


def _progress(content: Content, figures: Mapping[str, str]) -> str:
    if not content.versions and not content.rounds and "plot-curve" not in figures:
        return ""
    told = _plot("plot-curve", figures)
    if told:
        told = (
            '<p class="lead">Accuracy of each model version on the holdout of its day, against the '
            "labels that it learnt from; bars are intervals.</p>" + told
        )
    if content.verdict:
        told += f"<p>{escape(content.verdict)}</p>"
    elif "curve" in content.missing:
        told += _nothing(content.missing["curve"])
    if content.versions:
        rows = [
            (
                [
                    escape(v.name) + (" <small>refused</small>" if v.refused else ""),
                    _day(v.created_at),
                    _count(v.labels),
                    _count(v.holdout),
                    _share(v.accuracy) or "too few to tell",
                ],
                v.in_force,
            )
            for v in reversed(content.versions)
        ]
        head = ("model version", "made", "labels", "holdout", "accuracy")
        told += f"<h3>Model versions</h3>{_table(head, rows)}"
    if content.rounds:
        told += f"<h3>Rounds</h3>{_rounds(content)}"
    elif "rounds" in content.missing:
        told += f"<h3>Rounds</h3>{_nothing(content.missing['rounds'])}"
    return told


def _rounds(content: Content) -> str:
    rows = [
        (
            [
                str(r.number),
                _day(r.created_at),
                escape(r.version),
                escape(r.strategy),
                _count(r.asked),
                f"{_count(r.answered)}{_rail(r.answered / max(r.asked, 1))}",
                _count(r.holdout),
            ],
            False,
        )
        for r in reversed(content.rounds)
    ]
    head = ("round", "asked on", "chosen by", "strategy", "asked", "answered", "for the holdout")
    return _table(head, rows)


def _quality(content: Content, figures: Mapping[str, str]) -> str:
    found = content.evaluation
    if not found:
        return ""
    told = (
        f'<p class="lead">{_count(found.n)} images of the holdout: '
        f"{span(found.accuracy) or 'too few to tell how many'} right; balanced over the labels "
        f"{span(found.balanced_accuracy) or 'not known'}.</p>"
    )
    if not found.confusion:
        return told + _nothing(
            Missing("An image may have any number of labels here, so there is no matrix.")
        )
    return told + _plot("plot-confusion", figures, square=True)


def _classes(content: Content) -> str:
    found = content.evaluation
    if not found or not found.classes:
        return ""
    rows = [
        (
            [
                escape(label),
                _count(content.counts.get(label, 0)),
                _count(figures.n),
                _measured(figures.precision),
                _measured(figures.recall),
            ],
            False,
        )
        for label, figures in found.classes.items()
    ]
    lead = (
        '<p class="lead">Precision: of the images the model gives the label, how many have it. '
        "Recall: of those that have it, how many the model finds.</p>"
    )
    return lead + _table(("label", "labelled", "holdout", "precision", "recall"), rows)


def _calibration(content: Content, figures: Mapping[str, str]) -> str:
    found = content.reliability
    if not found:
        return ""
    told = (
        '<p class="lead">Of the predictions with 80&nbsp;% confidence, 80&nbsp;% should be right: '
    )
    told += "a point on the dotted line. Larger points stand for more images of the holdout."
    if found.holdout.value is not None:
        told += f" Expected calibration error: {span(found.holdout)}."
    if found.before is not None and found.after is not None:
        told += (
            f" In cross-validation, temperature scaling took it from {percent(found.before)} to "
            f"{percent(found.after)}."
        )
    return f"{told}</p>{_plot('plot-reliability', figures, square=True)}"


def _map(content: Content, figures: Mapping[str, str]) -> str:
    found = content.map
    if not found:
        return ""
    shown = len(found.points)
    some = f"{_count(shown)} of {_count(found.total)} images" if shown < found.total else ""
    lead = (
        f'<p class="lead">{some or f"{_count(shown)} images"}, those that look alike to the model '
        f"close together ({escape(found.method)}). Filled: labelled by people; hollow: predicted "
        '<span class="screen">Point at one or tap it to see the picture.</span></p>'
    ).replace("predicted <span", "predicted. <span")
    switch = (
        '<div class="switch" role="group" aria-label="Colour by">'
        '<button type="button" value="label" aria-pressed="true">by label</button>'
        '<button type="button" value="uncertainty" aria-pressed="false">by uncertainty</button>'
        "</div>"
    )
    return lead + switch + _plot("plot-map", figures)


def _errors(content: Content) -> str:
    if not content.errors:
        return ""
    lead = '<p class="lead">Images the model is most sure about, and wrong. Some of them may be '
    return f"{lead}labels that are wrong.</p>" + _gallery(content.errors, "label", "model says")


def _suspects(content: Content) -> str:
    if not content.suspects:
        return ""
    lead = (
        '<p class="lead">Labels that a model which did not learn from them finds unlikely, with '
        "the probability that it gives them. To decide on them in Label Studio: "
        f"<code>annoloop dataset review {escape(quote(content.dataset))} --push</code></p>"
    )
    return lead + _gallery(content.suspects, "label", "perhaps", doubted=True)


def _people(content: Content) -> str:
    if not content.annotators:
        return ""
    timed = any(row.seconds is not None for row in content.annotators)
    rows = [
        (
            [
                escape(row.name),
                _count(row.labels),
                *([f"{row.seconds:.1f} s" if row.seconds is not None else "–"] if timed else []),
                _count(row.shared) if row.shared else "–",
                _plain(row.alpha),
            ],
            False,
        )
        for row in content.annotators
    ]
    head = ("who", "answers", *(("median time",) if timed else ()), "shared with others", "alpha")
    told = _table(head, rows)
    if content.alpha.value is not None:
        told += (
            f"<p>Krippendorff's alpha on {_count(content.shared)} images that several people "
            f"answered: {_plain(content.alpha)}. 1 is full agreement, 0 is chance; from 0.8 on, "
            "labels are commonly taken as reliable.</p>"
        )
    elif "agreement" in content.missing:
        told += _nothing(content.missing["agreement"])
    return told


def _acceptance(content: Content) -> str:
    if not content.acceptance:
        return ""
    rows = [
        ([escape(row.version), escape(row.how), _count(row.n), _measured(row.same)], False)
        for row in content.acceptance
    ]
    lead = (
        '<p class="lead">People who see a prediction tend to accept it. Asked blind, they do not '
        "see it, so that figure is the honest one.</p>"
    )
    table = _table(("model version", "asked", "answers", "same as the model"), rows)
    extra = _nothing(content.missing["blind"]) if "blind" in content.missing else ""
    return lead + table + extra


# -- parts of it -----------------------------------------------------------------------------------


def _plot(name: str, figures: Mapping[str, str], square: bool = False) -> str:
    if name not in figures:
        return ""
    told = escape(figures[name])
    return (
        f"<figure{' class=square' if square else ''}>"
        f'<div class="plot" id="{name}" role="img" aria-label="{told}"></div>'
        f'<img class="still" alt="{told}"></figure>'
    )


def _table(head: Sequence[str], rows: Iterable[tuple[Sequence[Cell], bool]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr{' class=now' if now else ''}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for cells, now in rows
    )
    inside = f"<thead><tr>{top}</tr></thead><tbody>{lines}</tbody>"
    return f'<div class="scroll"><table>{inside}</table></div>'


def _gallery(pictures: Sequence[Picture], given: str, other: str, doubted: bool = False) -> str:
    return f'<ul class="gallery">{"".join(_card(p, given, other, doubted) for p in pictures)}</ul>'


def _card(picture: Picture, given: str, other: str, doubted: bool) -> str:
    sure = percent(picture.confidence, 0)
    seen = (
        f'<img src="data:image/webp;base64,{picture.thumb}" alt="{escape(picture.key)}">'
        if picture.thumb
        else "the image is gone"
    )
    inside = (
        f'<span class="frame">{seen}</span><span class="said" style="display:block">'
        f"{given}: <b>{escape(picture.label) or 'none'}</b> {sure if doubted else ''}<br>"
        f"{other}: <b>{escape(picture.suggested) or 'none'}</b> {'' if doubted else sure}"
        f'<span class="key">{escape(picture.key.rpartition("/")[2])}</span></span>'
    )
    if picture.url.startswith(("http://", "https://")):
        address = escape(picture.url)
        return (
            f'<li><a class="card" href="{address}" target="_blank" rel="noopener">{inside}</a></li>'
        )
    return f'<li><span class="card">{inside}</span></li>'


def _nothing(missing: Missing) -> str:
    command = f" <code>{escape(missing.command)}</code>" if missing.command else ""
    return f'<p class="empty">{escape(missing.why)}{command}</p>'


def _measured(estimate: Estimate) -> str:
    return f"{_share(estimate)}{_rail(estimate.value)}" if estimate.value is not None else "–"


def _plain(estimate: Estimate) -> str:
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} {_interval(f'({estimate.low:.2f} to {estimate.high:.2f})')}"


def _share(estimate: Estimate) -> str:
    """A share with its interval, which may stand below it."""
    told = span(estimate)
    value, _, interval = told.partition(" (")
    return f"{value} {_interval(f'({interval}')}" if interval else told


def _interval(told: str) -> str:
    return f'<span class="ci">{told}</span>'


def _rail(share: float) -> str:
    return f'<span class="rail"><span class="bar" style="width:{min(share, 1):.0%}"></span></span>'


def _count(n: int) -> str:
    return f"{n:,}".replace(",", "\u202f")


def _day(iso: str) -> str:
    return escape(iso[:10])
