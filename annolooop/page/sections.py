"""The text of the page: headings, tables, pictures, and what to type where there is nothing."""

from collections.abc import Mapping
from html import escape
from shlex import quote

from annolooop.page.content import Content, Missing
from annolooop.page.parts import (
    day,
    decimal,
    figure,
    gallery,
    measured,
    nothing,
    number,
    rail,
    share,
    table,
)
from annolooop.page.plots import percent, span

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
            told = inside or nothing(content.missing[name])
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
        f'<p class="muted wide">{day(content.created_at)} · model in force: '
        f"{escape(version)} · {escape(content.based_on)}</p>\n"
        f'<dl class="facts">{facts}</dl>\n{notes}'
        "<noscript><p>Figures need JavaScript, which this page has in itself.</p></noscript>\n"
    )


def _progress(content: Content, figures: Mapping[str, str]) -> str:
    if not content.versions and not content.rounds and "plot-curve" not in figures:
        return ""
    told = figure("plot-curve", figures)
    if told:
        told = (
            '<p class="lead">Accuracy of each model version on the holdout of its day, against the '
            "labels that it learnt from; bars are intervals.</p>" + told
        )
    if content.verdict:
        told += f"<p>{escape(content.verdict)}</p>"
    elif "curve" in content.missing:
        told += nothing(content.missing["curve"])
    if content.versions:
        rows = [
            (
                [
                    escape(v.name) + (" <small>refused</small>" if v.refused else ""),
                    day(v.created_at),
                    number(v.labels),
                    number(v.holdout),
                    share(v.accuracy) or "too few to tell",
                ],
                v.in_force,
            )
            for v in reversed(content.versions)
        ]
        head = ("model version", "made", "labels", "holdout", "accuracy")
        told += f"<h3>Model versions</h3>{table(head, rows)}"
    if content.rounds:
        told += f"<h3>Rounds</h3>{_rounds(content)}"
    elif "rounds" in content.missing:
        told += f"<h3>Rounds</h3>{nothing(content.missing['rounds'])}"
    return told


def _rounds(content: Content) -> str:
    rows = [
        (
            [
                str(r.number),
                day(r.created_at),
                escape(r.version),
                escape(r.strategy),
                number(r.asked),
                f"{number(r.answered)}{rail(r.answered / max(r.asked, 1))}",
                number(r.holdout),
            ],
            False,
        )
        for r in reversed(content.rounds)
    ]
    head = ("round", "asked on", "chosen by", "strategy", "asked", "answered", "for the holdout")
    return table(head, rows)


def _quality(content: Content, figures: Mapping[str, str]) -> str:
    found = content.evaluation
    if not found:
        return ""
    told = (
        f'<p class="lead">{number(found.n)} images of the holdout: '
        f"{span(found.accuracy) or 'too few to tell how many'} right; balanced over the labels "
        f"{span(found.balanced_accuracy) or 'not known'}.</p>"
    )
    if not found.confusion:
        return told + nothing(
            Missing("An image may have any number of labels here, so there is no matrix.")
        )
    return told + figure("plot-confusion", figures, square=True)


def _classes(content: Content) -> str:
    found = content.evaluation
    if not found or not found.classes:
        return ""
    rows = [
        (
            [
                escape(label),
                number(content.counts.get(label, 0)),
                number(figures.n),
                measured(figures.precision),
                measured(figures.recall),
            ],
            False,
        )
        for label, figures in found.classes.items()
    ]
    lead = (
        '<p class="lead">Precision: of the images the model gives the label, how many have it. '
        "Recall: of those that have it, how many the model finds.</p>"
    )
    return lead + table(("label", "labelled", "holdout", "precision", "recall"), rows)


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
    return f"{told}</p>{figure('plot-reliability', figures, square=True)}"


def _map(content: Content, figures: Mapping[str, str]) -> str:
    found = content.map
    if not found:
        return ""
    shown = len(found.points)
    some = f"{number(shown)} of {number(found.total)} images" if shown < found.total else ""
    lead = (
        f'<p class="lead">{some or f"{number(shown)} images"}, those that look alike to the model '
        f"close together ({escape(found.method)}). Filled: labelled by people; hollow: predicted "
        '<span class="screen">Point at one or tap it to see the picture.</span></p>'
    ).replace("predicted <span", "predicted. <span")
    switch = (
        '<div class="switch" role="group" aria-label="Colour by">'
        '<button type="button" value="label" aria-pressed="true">by label</button>'
        '<button type="button" value="uncertainty" aria-pressed="false">by uncertainty</button>'
        "</div>"
    )
    return lead + switch + figure("plot-map", figures)


def _errors(content: Content) -> str:
    if not content.errors:
        return ""
    lead = '<p class="lead">Images the model is most sure about, and wrong. Some of them may be '
    return f"{lead}labels that are wrong.</p>" + gallery(content.errors, "label", "model says")


def _suspects(content: Content) -> str:
    if not content.suspects:
        return ""
    lead = (
        '<p class="lead">Labels that a model which did not learn from them finds unlikely, with '
        "the probability that it gives them. To decide on them in Label Studio: "
        f"<code>annoloop dataset review {escape(quote(content.dataset))} --push</code></p>"
    )
    return lead + gallery(content.suspects, "label", "perhaps", doubted=True)


def _people(content: Content) -> str:
    if not content.annotators:
        return ""
    timed = any(row.seconds is not None for row in content.annotators)
    rows = [
        (
            [
                escape(row.name),
                number(row.labels),
                *([f"{row.seconds:.1f} s" if row.seconds is not None else "–"] if timed else []),
                number(row.shared) if row.shared else "–",
                decimal(row.alpha),
            ],
            False,
        )
        for row in content.annotators
    ]
    head = ("who", "answers", *(("median time",) if timed else ()), "shared with others", "alpha")
    told = table(head, rows)
    if content.alpha.value is not None:
        told += (
            f"<p>Krippendorff's alpha on {number(content.shared)} images that several people "
            f"answered: {decimal(content.alpha)}. 1 is full agreement, 0 is chance; from 0.8 on, "
            "labels are commonly taken as reliable.</p>"
        )
    elif "agreement" in content.missing:
        told += nothing(content.missing["agreement"])
    return told


def _acceptance(content: Content) -> str:
    if not content.acceptance:
        return ""
    rows = [
        ([escape(row.version), escape(row.how), number(row.n), measured(row.same)], False)
        for row in content.acceptance
    ]
    lead = (
        '<p class="lead">People who see a prediction tend to accept it; asked blind, they do not '
        "see it. Compare answers about images that were chosen alike: those of the holdout are "
        "drawn, the others are harder.</p>"
    )
    rates = table(("model version", "asked", "answers", "same as the model"), rows)
    extra = nothing(content.missing["blind"]) if "blind" in content.missing else ""
    return lead + rates + extra
