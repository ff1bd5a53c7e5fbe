"""Labels that may be wrong: found, shown to people in Label Studio, and what they decided."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

import numpy as np

from annolooop.domain.annotations import Overlap
from annolooop.domain.examples import Example
from annolooop.domain.progress import Track, left_out
from annolooop.errors import DataError, UsageError
from annolooop.loop.labels.current import Labels, read_labels
from annolooop.loop.labels.open_page import open_page
from annolooop.loop.quality.labelled import LabelledImages, embed_labelled
from annolooop.loop.quality.review_records import (
    CONFIRMED,
    CORRECTED,
    LOOKS,
    OPEN,
    Decision,
    Suspect,
    read_decisions,
    reviews_of,
)
from annolooop.loop.quality.review_tab import open_review
from annolooop.loop.rounds.next_step import LoopState
from annolooop.model.judging.label_errors import Doubt, doubt_labels, find_overlaps
from annolooop.stack import Stack


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
        decisions: each of these images, in the order in which they were asked about.
        round: number of the review that was opened in Label Studio, 0 for none.
        url: of the review in Label Studio, empty without one.
        opened: that page was opened in the browser.
        own_server: its keys confirm and correct; that of someone else has no such keys.
        own: it is the stack file's dataset.
        offline: Label Studio was not to be asked.
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
    decisions: tuple[Decision, ...]
    round: int
    url: str
    opened: bool
    own_server: bool
    left_out: tuple[dict[str, str], ...]
    seconds: float
    own: bool = True
    offline: bool = False

    @property
    def state(self) -> LoopState:
        """The loop as far as a review knows it: suspects open in the stack's dataset only."""
        known = LoopState(dataset=self.dataset, own=self.own, looked=False)
        if not self.own:
            return known
        if self.url:
            return replace(known, doubt="after looking at them")
        if self.suspects:
            reached = self.live or self.offline
            return replace(known, doubt="to look at them in Label Studio", running=reached)
        return replace(known, looked=True, news=None) if self.corrected else known


IMAGES_TO_REVIEW = 20  # labelled images; with fewer, no label can be judged


def review(
    stack: Stack,
    name: str,
    limit: int,
    push: bool,
    track: Track,
    offline: bool = False,
    browse: bool = False,
) -> ReviewReport:
    """Rank labelled images by how little their labels fit them; images that people dispute first.

    All images that people labelled are judged, those of the holdout too, by heads that did
    not learn from them and that are thrown away afterwards. What people confirmed in an earlier
    review is not asked again while its label stays.

    Args:
        stack: the annotation loop.
        name: of a dataset.
        limit: how many suspects to list.
        push: make a tab with them in Label Studio.
        track: shows how far it is.
        offline: go by the last snapshot.
        browse: make it, and open it in the browser, where Label Studio answers and has them.

    Raises:
        UsageError: to push another dataset than the stack's, or without Label Studio.
        DataError: there is no such dataset, no model, or too few labels.
        UnreachableError: Label Studio or the store fails.
    """
    begun, own = time.monotonic(), name == stack.config.dataset.name
    if push and (offline or not own):
        raise UsageError(
            "--push needs Label Studio, so it does not go with --offline"
            if offline
            else f"--push is for the dataset of the stack, {stack.config.dataset.name}",
            "Leave --push out.",
        )
    labels = read_labels(stack, name, offline)
    if push and labels.project is None:
        raise DataError(f"nothing can be pushed: {labels.why_not}", "Start it: annoloop up")
    shown = _Shown(stack, labels)
    decisions = read_decisions(reviews_of(stack, name).each(), labels, shown.url)
    outcomes = Counter(decision.outcome for decision in decisions)
    confirmed = {one.sha256: one.before for one in decisions if one.outcome == CONFIRMED}
    found = embed_labelled(stack, labels, track)
    examples, doubt = _doubt(labels, found, stack.config.train.seed)
    suspects = [*shown.disputed(), *shown.doubtful(found, examples, doubt, confirmed)]
    asked = suspects[:limit]
    browse = browse and labels.project is not None and own
    number, url = open_review(stack, labels, asked) if (push or browse) and asked else (0, "")
    return ReviewReport(
        dataset=name,
        live=labels.live,
        why_not_live=labels.why_not,
        as_of=labels.snapshot.created_at,
        judged=len(examples),
        suspects=tuple(asked),
        in_doubt=len(suspects),
        overlaps=_overlaps(found, examples, doubt),
        corrected=outcomes[CORRECTED],
        confirmed=outcomes[CONFIRMED],
        still_open=outcomes[OPEN],
        decisions=tuple(decisions),
        round=number,
        url=url,
        opened=bool(url) and browse and open_page(stack, url)[0],
        own_server=stack.daemon is not None,
        left_out=left_out(found.reasons()),
        seconds=round(time.monotonic() - begun, 3),
        own=own,
        offline=offline,
    )


def _doubt(labels: Labels, found: LabelledImages, seed: int) -> tuple[list[Example], Doubt]:
    """What can be judged: labels that one image alone has are not looked for anywhere else."""
    examples, alone = list(found.examples), set[str]()
    if not found.multiple:
        counts = found.targets(examples).sum(axis=0)
        alone = {label for label, n in zip(found.labels, counts, strict=True) if n == 1}
        examples = [e for e in examples if not alone & set(e.labels)]
    doubt = None
    if len(examples) >= IMAGES_TO_REVIEW:
        targets = found.targets(examples)
        doubt = doubt_labels(found.vectors(examples), targets, found.multiple, seed)
    if doubt is None:
        raise _too_few(labels, found, len(examples), sorted(alone))
    return examples, doubt


def _too_few(labels: Labels, found: LabelledImages, count: int, alone: Sequence[str]) -> DataError:
    """What a review needs, how much of it there is, and why the rest does not count."""
    launch = f"Annotate more: annoloop dataset launch {quote(labels.dataset)}"
    if count >= IMAGES_TO_REVIEW:
        return DataError(f"a review compares labels, and all {count} images have the same", launch)
    reasons = [
        f"{n} {what}"
        for n, what in (
            (len(alone), f"with a label that no other image has ({', '.join(alone)})"),
            (len(labels.examples) - len(found.examples), "that cannot be read"),
            (len(labels.found.disputed), "that people disagree about"),
            (len(labels.found.unknown), "with a label that is not in dataset.labels"),
            (len(labels.found.other), "with one of dataset.other_answers"),
        )
        if n
    ]
    without = f"; not counted: {', '.join(reasons)}" if reasons else ""
    return DataError(
        f"a review needs at least {IMAGES_TO_REVIEW} labelled images, those of the holdout "
        f"included; there {'is' if count == 1 else 'are'} {count}{without}",
        launch,
    )


class _Shown:
    """Suspects as people see them."""

    def __init__(self, stack: Stack, labels: Labels) -> None:
        self._labels = labels
        self._page = stack.studio.tasks.url(labels.project.id) if labels.project else ""
        self._answers = labels.answers()

    def url(self, task: int) -> str:
        """Where a task can be looked at, empty without Label Studio."""
        return f"{self._page}{task}" if self._page else ""

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
        answers = self._answers[sha256]
        a = next((a for a in reversed(answers) if a.labels == labels), answers[-1])
        url = self.url(a.task)
        return Suspect(a.task, a.id, a.key, sha256, labels, suggested, confidence, reason, url)


def _overlaps(
    found: LabelledImages, examples: Sequence[Example], doubt: Doubt
) -> tuple[Overlap, ...]:
    if found.multiple:
        return ()
    pairs = find_overlaps(doubt, found.targets(examples))
    return tuple(Overlap(found.labels[a], found.labels[b], n) for a, b, n in pairs)
