"""Who answered, and whether they agree: with each other, and with the model."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from annolooop.loop.labels import Labels
from annolooop.model.metrics import wilson
from annolooop.page.content import AcceptanceRow, AnnotatorRow, Missing
from annolooop.records import UNKNOWN, Annotation, Estimate, ModelVersion
from annolooop.stack import Stack

PEOPLE = 30  # rows


@dataclass(frozen=True)
class Said:
    """What people said."""

    annotators: tuple[AnnotatorRow, ...] = ()
    alpha: Estimate = UNKNOWN
    acceptance: tuple[AcceptanceRow, ...] = ()
    missing: dict[str, Missing] = field(default_factory=dict)


def people(stack: Stack, found: Labels, version: ModelVersion | None) -> Said:
    """The tables of people, and of what they did with predictions."""
    launch = f"annoloop dataset launch {found.dataset}"
    said = [a for a in found.snapshot.annotations if not a.skipped]
    missing = {}
    if not said:
        missing["people"] = Missing("Nobody annotated anything yet:", launch)
    acceptance = tuple(_shown(said, found.rules.choice))
    if not acceptance:
        missing["acceptance"] = Missing(
            "Nobody answered with a prediction before their eyes yet. Show some:",
            "annoloop infer --batch FOLDER",
        )
    return Said(tuple(_annotators(stack, found, said)), acceptance=acceptance, missing=missing)


def _annotators(stack: Stack, found: Labels, said: Iterable[Annotation]) -> Iterable[AnnotatorRow]:
    counts = Counter(a.annotator for a in said)
    names = stack.studio.people() if found.live and counts else {}
    for who, n in counts.most_common(PEOPLE):
        name = "unknown" if who is None else names.get(who, f"user {who}")
        yield AnnotatorRow(name, n)


def _shown(said: Iterable[Annotation], choice: str) -> Iterable[AcceptanceRow]:
    """By model version, the newest last."""
    same: dict[str, list[bool]] = defaultdict(list)
    for a in said:
        if a.shown_version and (a.labels or choice == "multiple"):
            same[a.shown_version].append(a.labels == a.shown)
    for name in sorted(same, key=_number):
        yield rate(name, "shown", same[name])


def rate(version: str, how: str, same: list[bool]) -> AcceptanceRow:
    """A row, with its interval."""
    n, good = len(same), sum(same)
    return AcceptanceRow(version, how, n, Estimate(good / n, *wilson(good, n)))


def _number(name: str) -> int:
    digits = name.removeprefix("v").partition("-")[0]
    return int(digits) if digits.isdigit() else 0
