"""Everything about a dataset at a glance."""

from collections import Counter
from dataclasses import dataclass

from annolooop.domain.answers import count_tasks, is_answer
from annolooop.domain.examples import fingerprint
from annolooop.domain.figures import SplitCounts
from annolooop.loop.labels.current import read_labels
from annolooop.loop.rounds.next_step import LoopState
from annolooop.stack import Stack


@dataclass(frozen=True)
class ProjectRow:
    """A Label Studio project, and where people annotate."""

    id: int
    title: str
    url: str


@dataclass(frozen=True)
class DescribeReport:
    """What `dataset describe` knows.

    Attributes:
        live: annotations are those of Label Studio now; else those of the last snapshot.
        why_not_live: why they are not.
        as_of: when they were read, ISO 8601; empty when there are none.
        holdout: share of the images in the holdout.
        images: in the catalogue; ``missing_images`` of them are not in the store any more.
        image_bytes: of those that are.
        labeled_images: that have labels, by content; ``split`` and ``labels`` count them.
        empty_tasks, unreadable_tasks: as in :class:`TaskCounts`.
        disputed: images that have none, since people disagree.
        other_answers: images that have none, since people gave one of ``dataset.other_answers``.
        unknown_labels: images that have one which the dataset does not have.
        annotators: Label Studio's user id -> answers.
        fingerprint: of the labels.
        own: it is the stack file's.
    """

    dataset: str
    project: ProjectRow | None
    live: bool
    why_not_live: str
    as_of: str
    choice: str
    agreement: str
    holdout: float
    images: int
    image_bytes: int
    missing_images: int
    tasks: int | None
    labeled_tasks: int
    skipped_tasks: int
    empty_tasks: int
    unreadable_tasks: int
    labeled_images: int
    disputed: int
    other_answers: int
    unknown_labels: int
    split: SplitCounts
    labels: dict[str, SplitCounts]
    annotators: dict[str, int]
    snapshots: int
    newest_snapshot: str | None
    model_versions: int
    model_version: str | None
    fingerprint: str
    own: bool = True

    @property
    def state(self) -> LoopState:
        """The loop; without Label Studio, as of the last snapshot."""
        done = self.labeled_tasks + self.skipped_tasks
        used = [counts for counts in self.labels.values() if counts.train + counts.holdout]
        return LoopState(
            dataset=self.dataset,
            own=self.own,
            model=self.model_version is not None,
            tasks=self.tasks,
            to_do=0 if self.tasks is None else self.tasks - done,
            news=None if self.live else False,
            enough=len(used) > 1,
        )


def describe(stack: Stack, name: str, offline: bool) -> DescribeReport:
    """Count what a dataset is made of; nothing is written.

    Args:
        stack: the annotation loop.
        name: of the dataset.
        offline: go by the last snapshot. So it is too if Label Studio does not answer.

    Raises:
        DataError: there is no such dataset.
        UnreachableError: Label Studio or the store fails.
    """
    found = read_labels(stack, name, offline)
    project = found.project
    catalog = stack.catalog_of(name)
    images = len(catalog)
    there, size = catalog.listing_diff().image_totals()
    tasks = count_tasks(found.snapshot.annotations, found.rules.choice)
    counts = Counter((label, e.split) for e in found.examples for label in e.labels)
    parts = Counter(example.split for example in found.examples)
    annotators = Counter(
        a.annotator for a in found.snapshot.annotations if is_answer(a, found.rules.choice)
    )
    registry = stack.registry_of(name)
    current = registry.current()
    return DescribeReport(
        dataset=name,
        project=ProjectRow(project.id, project.title, stack.studio.projects.stream_url(project.id))
        if project
        else None,
        live=found.live,
        why_not_live=found.why_not,
        as_of=found.snapshot.created_at,
        choice=found.rules.choice,
        agreement=found.rules.agreement,
        holdout=found.rules.holdout,
        images=images,
        image_bytes=size,
        missing_images=images - there,
        tasks=project.tasks if project else None,
        labeled_tasks=tasks.labeled,
        skipped_tasks=tasks.skipped,
        empty_tasks=tasks.empty,
        unreadable_tasks=tasks.unreadable,
        labeled_images=len(found.examples),
        disputed=len(found.found.disputed),
        other_answers=len(found.found.other),
        unknown_labels=len(found.found.unknown),
        split=SplitCounts(parts["train"], parts["holdout"]),
        labels={
            label: SplitCounts(counts[label, "train"], counts[label, "holdout"])
            for label in found.order
        },
        annotators={
            str(who) if who is not None else "unknown": n
            for who, n in sorted(annotators.items(), key=lambda pair: (pair[0] is None, pair[0]))
        },
        snapshots=len(stack.snapshots_of(name).numbers()),
        newest_snapshot=found.last.created_at or None,
        model_versions=len(registry.versions()),
        model_version=current.name if current else None,
        fingerprint=fingerprint(found.examples),
        own=stack.owns(name),
    )
