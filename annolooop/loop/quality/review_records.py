"""What reviews asked about, and what became of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from annolooop.domain.annotations import Annotation
from annolooop.loop.labels.current import Labels
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.series import Series

LOOKS = "looks different"  # the reason of a suspect about which people do not disagree
CORRECTED, CONFIRMED, OPEN = "corrected", "confirmed", "open"


@dataclass(frozen=True)
class Suspect:
    """A labelled image whose label may be wrong.

    Attributes:
        task: id of a Label Studio task that shows it.
        annotation: id of the answer there that is in doubt, the latest one with these labels.
        key: of the image in the store.
        sha256: its content hash.
        labels: that it has; none for one that people disagree about.
        suggested: that it seems to have.
        confidence: probability of the label that it has, 0 to 1.
        reason: ``looks different`` or what people disagree about.
        url: where to look at it, empty without Label Studio.
    """

    task: int
    annotation: int
    key: str
    sha256: str
    labels: tuple[str, ...]
    suggested: tuple[str, ...]
    confidence: float
    reason: str
    url: str


@dataclass(frozen=True)
class Asked:
    """An image that a review asked about, its labels then, and when these were given."""

    sha256: str
    task: int
    labels: tuple[str, ...]
    suggested: tuple[str, ...]
    said_at: str


@dataclass(frozen=True)
class Review:
    """What one review asked about."""

    created_at: str
    by: str
    project: str
    suspects: tuple[Asked, ...]


@dataclass(frozen=True)
class Decision:
    """What became of an image that a review asked about.

    Attributes:
        key: of the image in the store.
        sha256: its content hash.
        url: where to look at it, empty without Label Studio.
        before: its labels when it was asked about; none for one that people disagreed about.
        labels: that it has now; none for one that people disagree about.
        suggested: that it seemed to have.
        outcome: ``corrected``, ``confirmed`` or ``open``.
        annotator: e-mail address of who gave its last answer, where it is known. Who changes the
            answer of another in Label Studio is not named there.
    """

    key: str
    sha256: str
    url: str
    before: tuple[str, ...]
    labels: tuple[str, ...]
    suggested: tuple[str, ...]
    outcome: str
    annotator: str


def reviews_of(stack: Stack, name: str) -> Series[Review]:
    """All reviews of a dataset that were opened in Label Studio."""
    return Series(stack.store, f"{DATASETS}/{name}/reviews", Review)


def read_decisions(
    reviews: Iterable[Review], labels: Labels, url: Callable[[int], str]
) -> list[Decision]:
    """By the annotations: who looks and leaves a label submits it again, or marks it as truth.

    Args:
        reviews: all of the dataset, in their order.
        labels: of the dataset, now.
        url: where a task can be looked at.
    """
    asked: dict[str, Asked] = {}  # the last review that asked about an image counts
    for review in reviews:
        asked |= {row.sha256: row for row in review.suspects}
    now = {example.sha256: example.labels for example in labels.examples}
    answers, keys, people = labels.answers(), labels.keys(), labels.snapshot.people
    decisions = []
    for sha256, row in asked.items():
        last = answers[sha256][-1] if sha256 in answers else None
        decisions.append(
            Decision(
                key=keys.get(sha256, ""),
                sha256=sha256,
                url=url(row.task),
                before=row.labels,
                labels=now.get(sha256, ()),
                suggested=row.suggested,
                outcome=_outcome(row, now.get(sha256), last),
                annotator=people.get((last and last.annotator) or 0, ""),
            )
        )
    return decisions


def _outcome(row: Asked, now: tuple[str, ...] | None, last: Annotation | None) -> str:
    """Not confirmed if they answer otherwise, and are outvoted by those who were wrong before."""
    if now is not None and now != row.labels:
        return CORRECTED
    given_again = last and last.updated_at > row.said_at and last.labels == row.labels
    return CONFIRMED if now is not None and given_again else OPEN
