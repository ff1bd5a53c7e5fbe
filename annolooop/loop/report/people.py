"""Who answered, and whether they agree: with each other, and with the model."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from shlex import quote

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import is_answer
from annolooop.domain.figures import Agreement
from annolooop.domain.versions import UNKNOWN, Estimate
from annolooop.loop.labels.current import Labels
from annolooop.loop.quality.agreement import agreement
from annolooop.loop.quality.stats import compare_answers
from annolooop.model.heads.interval import wilson
from annolooop.page.content import AcceptanceRow, AnnotatorRow, Missing
from annolooop.stack import Stack

PEOPLE = 30  # rows
SHOWN, BLIND = "shown", "blind"


@dataclass(frozen=True)
class PeopleFigures:
    """What the report shows of people."""

    annotators: tuple[AnnotatorRow, ...] = ()
    alpha: Estimate = UNKNOWN
    shared: int = 0
    acceptance: tuple[AcceptanceRow, ...] = ()
    missing: dict[str, Missing] = field(default_factory=dict)


def people(stack: Stack, labels: Labels) -> PeopleFigures:
    """The tables of people, and of what they did with predictions."""
    launch = f"annoloop dataset launch {quote(labels.dataset)}"
    annotations, choice = labels.snapshot.annotations, labels.rules.choice
    answers = [a for a in annotations if is_answer(a, choice)]
    names = stack.studio.people.emails() if labels.live and answers else {}
    agreed = agreement(annotations, labels.rules.labels, choice, names)
    missing = {}
    if not answers:
        missing["people"] = Missing("Nobody annotated anything yet:", launch)
    elif not agreed.images:
        missing["agreement"] = Missing(
            "No image was answered by two people, so it is not known how far they agree. Ask some "
            "of them twice:",
            "annoloop infer --query 100 --overlap 0.1",
        )
    acceptance = [*_shown(answers), *_blind(stack, labels)]
    if not acceptance:
        missing["acceptance"] = Missing(
            "Nobody has answered a task that showed a prediction yet. Show some:",
            "annoloop infer --batch FOLDER",
        )
    elif all(row.how == SHOWN for row in acceptance):
        missing["blind"] = Missing(
            "Nobody was asked blind, so how far predictions sway people is not known. Ask some so:",
            "annoloop infer --rerun --blind-share 0.1",
        )
    rows = tuple(_annotators(answers, names, agreed))
    return PeopleFigures(rows, agreed.alpha, agreed.images, tuple(acceptance), missing)


def _annotators(
    answers: Iterable[Annotation], names: Mapping[int, str], agreed: Agreement
) -> Iterable[AnnotatorRow]:
    for who, n in Counter(a.annotator for a in answers).most_common(PEOPLE):
        name = "unknown" if who is None else names.get(who, f"user {who}")
        person = agreed.people.get(name)
        alpha, shared = (person.alpha, person.shared) if person else (UNKNOWN, 0)
        yield AnnotatorRow(name, n, alpha=alpha, shared=shared)


def _shown(answers: Iterable[Annotation]) -> Iterable[AcceptanceRow]:
    """By model version, the newest last."""
    same: dict[str, list[bool]] = defaultdict(list)
    for a in answers:
        if a.shown_version:
            same[a.shown_version].append(a.labels == a.shown)
    for name in sorted(same, key=_number):
        good, n = sum(same[name]), len(same[name])
        yield AcceptanceRow(name, SHOWN, n, Estimate(good / n, *wilson(good, n)))


def _blind(stack: Stack, labels: Labels) -> Iterable[AcceptanceRow]:
    """Of all versions; answers that compare, where there are such."""
    shown, blind, part = compare_answers(
        stack, labels.dataset, labels.snapshot.annotations, labels.rules
    )
    name = {"holdout": "all, of the holdout", "train": "all, outside of it"}.get(part, "all")
    if shown and part:
        yield AcceptanceRow(name, SHOWN, shown.n, shown.same)
    if blind:
        yield AcceptanceRow(name, BLIND, blind.n, blind.same)


def _number(name: str) -> int:
    digits = name.removeprefix("v").partition("-")[0]
    return int(digits) if digits.isdigit() else 0
