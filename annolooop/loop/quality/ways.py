"""Answers given one by one, and on pages of many images: what haste costs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from annolooop.domain.annotations import Annotation
from annolooop.domain.answers import is_answer
from annolooop.domain.versions import Estimate
from annolooop.model.heads.interval import share

ONE_BY_ONE = "one by one"


@dataclass(frozen=True)
class Way:
    """Answers that people gave in one way.

    Attributes:
        answers: how many.
        shown: of these, with a prediction in view.
        same: share of the shown ones that is the same as the prediction.
        seconds: median of the time that one took, where it was measured.
    """

    answers: int
    shown: int
    same: Estimate
    seconds: float | None


def answers_by_way(annotations: Iterable[Annotation], choice: str) -> dict[str, Way]:
    """How people answered -> what; empty where all answers were given one by one."""
    ways: dict[str, list[Annotation]] = defaultdict(list)
    for a in annotations:
        if is_answer(a, choice) and not a.accepted:
            ways[a.way or ONE_BY_ONE].append(a)
    if ways.keys() <= {ONE_BY_ONE}:
        return {}
    return {way: _way(ways[way]) for way in sorted(ways, key=lambda way: (way != ONE_BY_ONE, way))}


def _way(answers: list[Annotation]) -> Way:
    shown = [a for a in answers if a.shown_version]
    same = sum(a.labels == a.shown for a in shown)
    times = [a.lead_time for a in answers if a.lead_time is not None]
    alike = share(same, len(shown))
    return Way(len(answers), len(shown), alike, round(median(times), 2) if times else None)
