"""Labels that may be wrong: found, shown to people in Label Studio, and what they decided."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from shlex import quote

import numpy as np

from annolooop.domain.annotations import Annotation, Overlap
from annolooop.domain.answers import is_answer
from annolooop.domain.examples import Example
from annolooop.domain.progress import Track, left_out
from annolooop.errors import DataError, UsageError
from annolooop.labelstudio.api.data_manager import condition
from annolooop.labelstudio.api.views import OUR_TITLES
from annolooop.loop.labels.current import Labels, read_labels
from annolooop.loop.quality.labelled import LabelledImages, embed_labelled
from annolooop.model.judging.label_errors import Doubt, doubt_labels, find_overlaps
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DATASETS
from annolooop.storage.series import Series


@dataclass(frozen=True)
class Suspect:
    """A labelled image whose label may be wrong.

    Attributes:
        task: id of a Label Studio task that shows it.
        key: of the image in the store.
        sha256: its content hash.
        labels: that it has; none for one that people disagree about.
        suggested: that it seems to have.
        confidence: probability of the label that it has, 0 to 1.
        reason: ``looks different`` or what people disagree about.
        url: where to look at it, empty without Label Studio.
    """

    task: int
    key: str
    sha256: str
    labels: tuple[str, ...]
    suggested: tuple[str, ...]
    confidence: float
    reason: str
    url: str


@dataclass(frozen=True)
class ReviewReport:
    """Labels that may be wrong, and what became of those that were asked about.

    Attributes:
        dataset: its name.
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        judged: labelled images that were looked at.
        suspects: the most doubtful first.
        in_doubt: how many there are, with those that ``--limit`` left out.
        overlaps: labels whose images look alike; single choice only.
        corrected, confirmed, still_open: of the images that earlier reviews asked about.
        round: number of the review that was pushed, 0 for none.
        url: of the review in Label Studio, empty without one.
        left_out: ``file`` and ``reason`` of labelled images that could not be judged.
    """

    dataset: str
    live: bool
    why_not_live: str
    as_of: str
    judged: int
    suspects: tuple[Suspect, ...]
    in_doubt: int
    overlaps: tuple[Overlap, ...]
    corrected: int
    confirmed: int
    still_open: int
    round: int
    url: str
    left_out: tuple[dict[str, str], ...]
    seconds: float


TITLE = f"{OUR_TITLES}review"  # of the tab
FIELD = "review"  # in a task's data: which review asks about it, its place, and what it looks like
IMAGES_TO_REVIEW = 20  # labelled images; with fewer, no label can be judged
LOOKS = "looks different"


def review(
    stack: Stack, name: str, limit: int, push: bool, track: Track, offline: bool = False
) -> ReviewReport:
    """Rank labelled images by how little their labels fit them; images that people dispute first.

    All images that people labelled are judged, those of the holdout too, by heads that did
    not learn from them and that are thrown away afterwards. What people confirmed in an earlier
    review is not asked again while its label stays.

    Args:
        stack: the annotation loop.
        name: of a dataset.
        limit: how many suspects to list.
        push: open them in Label Studio as a view of its own.
        track: shows how far it is.
        offline: go by the last snapshot.

    Raises:
        UsageError: to push another dataset than the stack's, or without Label Studio.
        DataError: there is no such dataset, no model, or too few labels.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    if push and (offline or name != stack.config.dataset.name):
        raise UsageError(
            "--push needs Label Studio, so it does not go with --offline"
            if offline
            else f"--push is for the dataset of the stack, {stack.config.dataset.name}",
            "Leave --push out.",
        )
    labels = read_labels(stack, name, offline)
    if push and labels.project is None:
        raise DataError(f"nothing can be pushed: {labels.why_not}", "Start it: annoloop up")
    past = _read_past(stack, labels)
    shown = _Shown(stack, labels)
    found = embed_labelled(stack, labels, track)
    examples, doubt = _doubt(found, name, stack.config.train.seed)
    suspects = [
        *shown.disputed(),
        *shown.doubtful(found, examples, doubt, past.confirmed),
    ]
    asked = suspects[:limit]
    opened, url = _open(stack, labels, asked) if push and asked else (0, "")
    return ReviewReport(
        dataset=name,
        live=labels.live,
        why_not_live=labels.why_not,
        as_of=labels.snapshot.created_at,
        judged=len(examples),
        suspects=tuple(asked),
        in_doubt=len(suspects),
        overlaps=_overlaps(found, examples, doubt),
        corrected=past.corrected,
        confirmed=len(past.confirmed),
        still_open=past.still_open,
        round=opened,
        url=url,
        left_out=left_out(found.reasons()),
        seconds=round(time.monotonic() - begun, 3),
    )


def _doubt(found: LabelledImages, name: str, seed: int) -> tuple[list[Example], Doubt]:
    """What can be judged: labels that one image alone has are not looked for anywhere else."""
    examples = list(found.examples)
    if not found.multiple:
        counts = found.targets(examples).sum(axis=0)
        alone = {label for label, n in zip(found.labels, counts, strict=True) if n < 2}
        examples = [e for e in examples if not alone & set(e.labels)]
    doubt = None
    if len(examples) >= IMAGES_TO_REVIEW:
        targets = found.targets(examples)
        doubt = doubt_labels(found.vectors(examples), targets, found.multiple, seed)
    if doubt is None:
        raise DataError(
            f"a review needs at least {IMAGES_TO_REVIEW} labelled images with different labels; "
            f"there are {len(examples)}",
            f"Annotate more: annoloop dataset launch {quote(name)}",
        )
    return examples, doubt


class _Shown:
    """Suspects as people see them."""

    def __init__(self, stack: Stack, labels: Labels) -> None:
        self._labels = labels
        self._url = ""
        if labels.project:
            self._url = stack.studio.tasks.url(labels.project.id)
        self._latest: dict[str, Annotation] = {}
        for a in sorted(labels.snapshot.annotations, key=lambda a: (a.updated_at, a.id)):
            if a.sha256 and is_answer(a, labels.rules.choice):
                self._latest[a.sha256] = a

    def disputed(self) -> list[Suspect]:
        """They come first: nobody has to find them."""
        return [
            self._suspect(sha256, (), (), 0.0, self._labels.found.disputed[sha256])
            for sha256 in sorted(self._labels.found.disputed)
        ]

    def doubtful(
        self,
        found: LabelledImages,
        examples: Sequence[Example],
        doubt: Doubt,
        confirmed: Mapping[str, tuple[str, ...]],
    ) -> list[Suspect]:
        """Images that seem to have other labels than theirs, the most doubtful first."""
        targets = found.targets(examples)
        differs = (doubt.suggested != targets).any(axis=1)
        suspects = []
        for row in np.argsort(doubt.confidence, kind="stable").tolist():
            example = examples[row]
            if differs[row] and confirmed.get(example.sha256) != example.labels:
                suggested = tuple(found.labels[k] for k in np.flatnonzero(doubt.suggested[row]))
                confidence = round(float(doubt.confidence[row]), 4)
                suspects.append(
                    self._suspect(example.sha256, example.labels, suggested, confidence, LOOKS)
                )
        return suspects

    def _suspect(
        self,
        sha256: str,
        labels: tuple[str, ...],
        suggested: tuple[str, ...],
        confidence: float,
        reason: str,
    ) -> Suspect:
        a = self._latest[sha256]
        url = f"{self._url}{a.task}" if self._url else ""
        return Suspect(a.task, a.key, sha256, labels, suggested, confidence, reason, url)


def _overlaps(
    found: LabelledImages, examples: Sequence[Example], doubt: Doubt
) -> tuple[Overlap, ...]:
    if found.multiple:
        return ()
    pairs = find_overlaps(doubt, found.targets(examples))
    return tuple(Overlap(found.labels[a], found.labels[b], n) for a, b, n in pairs)


@dataclass
class _Past:
    """What became of what earlier reviews asked about.

    Attributes:
        confirmed: content hash -> labels that someone looked at and gave again.
        corrected: images whose labels someone changed.
        still_open: images that nobody has answered about.
    """

    confirmed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    corrected: int = 0
    still_open: int = 0


@dataclass(frozen=True)
class _Asked:
    """An image that a review asked about, its labels then, and when these were given."""

    sha256: str
    task: int
    labels: tuple[str, ...]
    suggested: tuple[str, ...]
    said_at: str


@dataclass(frozen=True)
class _Review:
    """What one review asked about."""

    created_at: str
    by: str
    project: str
    suspects: tuple[_Asked, ...]


def _reviews(stack: Stack, name: str) -> Series[_Review]:
    return Series(stack.store, f"{DATASETS}/{name}/reviews", _Review)


def _read_past(stack: Stack, labels: Labels) -> _Past:
    """By the annotations: who looks and leaves a label submits it again, or marks it as truth."""
    past = _Past()
    asked: dict[str, _Asked] = {}  # the last review that asked about an image counts
    for review in _reviews(stack, labels.dataset).each():
        asked |= {row.sha256: row for row in review.suspects}
    now = {example.sha256: example.labels for example in labels.examples}
    answers = labels.answers()
    for sha256, row in asked.items():
        before, is_now = row.labels, now.get(sha256)
        if is_now is not None and is_now != before:
            past.corrected += 1
        elif is_now is not None and _given_again(answers[sha256][-1], before, row.said_at):
            past.confirmed[sha256] = before
        else:
            past.still_open += 1
    return past


def _given_again(last: Annotation, before: tuple[str, ...], moment: str) -> bool:
    """Not if they answer otherwise, and are outvoted by those who were wrong before."""
    return last.updated_at > moment and last.labels == before


def _last_answers(labels: Labels) -> dict[str, str]:
    """Content hash -> when a person last answered about it."""
    return {sha256: answers[-1].updated_at for sha256, answers in labels.answers().items()}


def _open(stack: Stack, labels: Labels, suspects: Sequence[Suspect]) -> tuple[int, str]:
    """Note what is asked, then show it in Label Studio. Returns its number, and where it is."""
    assert labels.project
    project, studio, answered_at = labels.project.id, stack.studio, _last_answers(labels)
    asked = tuple(
        _Asked(s.sha256, s.task, s.labels, s.suggested, answered_at.get(s.sha256, ""))
        for s in suspects
    )
    now = datetime.now(timezone.utc).isoformat()
    review = _Review(now, stack.person, labels.project.identity, asked)
    number = _reviews(stack, labels.dataset).append(review)
    with stack.lock("review") as lease:
        for place, suspect in enumerate(suspects, start=1):
            what = f"r{number:04d}-{place:05d} {_words(suspect)}"
            with lease.guard():
                studio.tasks.update_data(suspect.task, **{FIELD: what})
        mine = condition(f"data.{FIELD}", "contains", "String", f"r{number:04d}-")
        view = studio.views.put(project, TITLE, [mine], [f"tasks:data.{FIELD}"])
    return number, studio.views.list_url(project, view)


def _words(suspect: Suspect) -> str:
    if suspect.reason != LOOKS:
        return suspect.reason
    current, looks = (" + ".join(names) or "none" for names in (suspect.labels, suspect.suggested))
    return f"{current}? It looks like {looks}"
