"""Who answered, and whether they agree: with each other, and with the model."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from shlex import quote
from statistics import median

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import is_answer
from annolooop.domain.figures import Agreement
from annolooop.domain.versions import UNKNOWN, Estimate
from annolooop.loop.labels.current import Labels
from annolooop.loop.quality.agreement import agreement
from annolooop.loop.quality.review_records import (
    CONFIRMED,
    CORRECTED,
    OPEN,
    Decision,
    read_decisions,
    reviews_of,
)
from annolooop.loop.quality.stats import compare_answers
from annolooop.model.heads.interval import share
from annolooop.page.content import AcceptanceRow, AnnotatorRow, Missing
from annolooop.stack import Stack

PEOPLE = 30  # rows
OUTCOMES = (CORRECTED, CONFIRMED, OPEN)  # of reviews, in their order here
SHOWN, BLIND = "shown", "blind"


@dataclass(frozen=True)
class PeopleFigures:
    """What the report shows of people."""

    annotators: tuple[AnnotatorRow, ...] = ()
    alpha: Estimate = UNKNOWN
    shared: int = 0
    acceptance: tuple[AcceptanceRow, ...] = ()
    reviews: dict[str, int] = field(default_factory=dict)
    missing: dict[str, Missing] = field(default_factory=dict)


def people(stack: Stack, labels: Labels, anonymous: bool = False) -> PeopleFigures:
    """The tables of people, and of what they did with predictions.

    Args:
        stack: the annotation loop.
        labels: of the dataset.
        anonymous: call them person 1, person 2, ... from the one with the most answers on.
    """
    launch = f"annoloop dataset launch {quote(labels.dataset)}"
    annotations, choice = labels.snapshot.annotations, labels.rules.choice
    answers = [a for a in annotations if is_answer(a, choice)]
    names = {} if anonymous else dict(labels.snapshot.people)
    if labels.live and answers and not anonymous:
        names |= stack.studio.people.emails()
    if anonymous:
        ranked = Counter(a.annotator for a in answers if a.annotator is not None).most_common()
        names = {who: f"person {place}" for place, (who, _) in enumerate(ranked, start=1)}
    agreed = agreement(annotations, labels.rules.labels, choice, names)
    missing = {}
    if not answers:
        missing["people"] = Missing("Nobody annotated anything yet.", "to annotate", launch)
    elif not agreed.images:
        missing["agreement"] = Missing(
            "No image was answered by two people, so it is not known how far they agree.",
            "to ask two people about some images",
            "annoloop infer --query 100 --overlap 0.1",
        )
    acceptance = [*_shown(answers), *_blind(stack, labels)]
    if not acceptance:
        missing["acceptance"] = Missing(
            "Nobody has answered a task that showed a prediction yet.",
            "to show predictions",
            "annoloop infer --batch FOLDER",
        )
    elif all(row.how == SHOWN for row in acceptance):
        missing["blind"] = Missing(
            "Nobody was asked blind, so how far predictions sway people is not known.",
            "to ask some people blind",
            "annoloop infer --rerun --blind-share 0.1",
        )
    decisions = read_decisions(reviews_of(stack, labels.dataset).each(), labels, lambda task: "")
    rows = tuple(_annotators(answers, names, agreed, _reviewed(labels, decisions)))
    outcomes = Counter(one.outcome for one in decisions)
    reviews = {outcome: outcomes[outcome] for outcome in OUTCOMES if outcomes[outcome]}
    return PeopleFigures(rows, agreed.alpha, agreed.images, tuple(acceptance), reviews, missing)


def _reviewed(labels: Labels, decisions: Iterable[Decision]) -> dict[int | None, Counter[str]]:
    """Outcomes by who answered first: who corrects that changes it, or gives an answer, too."""
    answers = labels.answers()
    outcomes: dict[int | None, Counter[str]] = defaultdict(Counter)
    for one in decisions:
        if one.sha256 in answers:
            outcomes[answers[one.sha256][0].annotator][one.outcome] += 1
    return outcomes


def _annotators(
    answers: Iterable[Annotation],
    names: Mapping[int, str],
    agreed: Agreement,
    outcomes: Mapping[int | None, Counter[str]],
) -> Iterable[AnnotatorRow]:
    by_person: dict[int | None, list[Annotation]] = defaultdict(list)
    for a in answers:
        by_person[a.annotator].append(a)
    for who, own in sorted(by_person.items(), key=lambda pair: -len(pair[1]))[:PEOPLE]:
        name = "unknown" if who is None else names.get(who, f"user {who}")
        person = agreed.people.get(name)
        alpha, shared = (person.alpha, person.shared) if person else (UNKNOWN, 0)
        times = [a.lead_time for a in own if a.lead_time is not None]
        usual = round(median(times), 2) if times else None
        last = max(a.updated_at for a in own)
        seen = outcomes.get(who, Counter())
        corrected, reviewed = seen[CORRECTED], seen[CORRECTED] + seen[CONFIRMED]
        yield AnnotatorRow(name, len(own), usual, alpha, shared, last, reviewed, corrected)


def _shown(answers: Iterable[Annotation]) -> Iterable[AcceptanceRow]:
    """By model version, the newest last."""
    same: dict[str, list[bool]] = defaultdict(list)
    for a in answers:
        if a.shown_version:
            same[a.shown_version].append(a.labels == a.shown)
    for name in sorted(same, key=_number):
        good, n = sum(same[name]), len(same[name])
        yield AcceptanceRow(name, SHOWN, n, share(good, n))


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
