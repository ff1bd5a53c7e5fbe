"""What earlier reports said, kept in the store, so that a report tells what changed since."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from annolooop.domain.versions import Estimate
from annolooop.errors import UnreachableError, counted
from annolooop.loop.report.verdict import TITLES
from annolooop.page.content import Effort, Since, Verdict
from annolooop.page.numbers import hours, percent
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.series import Series


@dataclass(frozen=True)
class ReportRecord:
    """What one report said.

    Attributes:
        created_at: when, ISO 8601.
        version: name of the current version, empty without one.
        verdict: its state.
        accuracy: the figure to go by.
        labels, answers, hours: of people so far.
    """

    created_at: str
    version: str
    verdict: str
    accuracy: Estimate
    labels: int
    answers: int
    hours: float


DAMAGED = ReportRecord("", "", "", Estimate(), 0, 0, 0.0)


def reports_of(stack: Stack, name: str) -> Series[ReportRecord]:
    """The reports of a dataset, each unlike the one before it."""
    return Series(stack.store, f"{DATASETS}/{name}/reports", ReportRecord, instead=DAMAGED)


def since_last(stack: Stack, name: str, version: str, verdict: Verdict, effort: Effort) -> Since:
    """What changed since the last report that said something else; what this one says is kept.

    A report that is written again says the same, and adds no record. Where the store takes no
    record, the report goes without: who may only read can have one, too.
    """
    now = ReportRecord(
        datetime.now(timezone.utc).isoformat(),
        version,
        verdict.state,
        verdict.accuracy,
        effort.labels,
        effort.answers,
        effort.hours,
    )
    series = reports_of(stack, name)
    last = [record for record in series.each(series.numbers()[-3:]) if record != DAMAGED]
    if last and replace(last[-1], created_at=now.created_at) == now:
        last = last[:-1]
    else:
        with suppress(UnreachableError):
            series.append(now)
    if not last:
        return Since()
    return Since(last[-1].created_at, tuple(_changes(last[-1], now)))


def _changes(old: ReportRecord, new: ReportRecord) -> Iterator[str]:
    """In sentences without an end, the most important first."""
    if old.verdict != new.verdict:
        yield f"verdict: {TITLES[new.verdict]}, before: {TITLES.get(old.verdict, old.verdict)}"
    before, after = old.accuracy.value, new.accuracy
    if before is not None and after.value is not None and before != after.value:
        low, high = after.low or 0.0, after.high or 1.0
        chance = ", which may be chance" if low <= before <= high else ""
        yield f"accuracy: {percent(after.value)}, before: {percent(before)}{chance}"
    if new.labels != old.labels:
        more = new.labels > old.labels
        number = counted(abs(new.labels - old.labels), "label")
        yield f"{number} {'more' if more else 'fewer'}, {new.labels:,} now"
    if new.hours > old.hours:
        yield f"{hours(new.hours - old.hours)} of people's work"
    if old.version != new.version and new.version:
        yield "a new model" if old.version else "the first model"
