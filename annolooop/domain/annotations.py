"""What people answered, and snapshots of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from annolooop.domain.moments import is_moment


def is_identity(text: str) -> str:
    """The text as it is; ValueError where it is not :attr:`ProjectCounts.identity`."""
    if not 0 < int(text.partition(" ")[0]) < 2**31:
        raise ValueError
    return text


def is_watermark(text: str) -> str:
    """The text as it is; ValueError where it is neither a point in time nor empty."""
    return text and is_moment(text)


REQUIRED = {"required": True}  # a record without it is damaged, although the field has a default
Identity = Annotated[str, is_identity]
Watermark = Annotated[str, is_watermark]

UNSENT = "Label Studio fails to send it"  # why an annotation cannot be read


@dataclass(frozen=True)
class Annotation:
    """One answer of one person about one task.

    Attributes:
        id: Label Studio's number of it.
        task: task id.
        key: the image's key in the store, empty for a task whose image is not there.
        sha256: content hash of the image, empty likewise.
        labels: the chosen labels, sorted; empty when the task was skipped or nothing was chosen.
        skipped: the person skipped the task.
        ground_truth: someone marked it as the right answer.
        annotator: Label Studio's user id.
        updated_at: when it was last changed, ISO 8601.
        shown_version: the model version whose prediction the person saw, if any.
        shown: the labels it predicted, sorted.
        outdated: another picture lies under the key now. It still counts for the old one.
        accepted: nobody looked: it is what this model version predicted, accepted as it was.
            Empty for answers of people, also where they changed an accepted one.
        unreadable: why its result cannot be read; empty where it can. It has no labels then.
        created_at: when it was first saved, ISO 8601.
        lead_time: seconds of work, where the browser measured them.
        extra: JSON of the parts of the answer that are not about the labels, such as a comment.
        address: of the image, for a task without a key.
        way: how it was given: empty on the page of one task, ``sheet`` or ``blind-sheet`` on a
            page of many.
    """

    id: int
    task: int
    key: str
    sha256: str
    labels: tuple[str, ...]
    skipped: bool
    ground_truth: bool
    annotator: int | None
    updated_at: str
    shown_version: str | None = None
    shown: tuple[str, ...] = ()
    outdated: bool = False
    accepted: str = ""
    unreadable: str = ""
    created_at: str = ""
    lead_time: float | None = None
    extra: str = ""
    address: str = ""
    way: str = ""


@dataclass(frozen=True)
class Snapshot:
    """The annotations of a dataset at one moment. Number 0 stands for "none yet".

    Attributes:
        number: its place in the dataset's history, from 1.
        created_at: when it was written, ISO 8601.
        project: which project they are from: a server may be replaced by a fresh one.
        watermark: the server's newest change that it contains, ISO 8601.
        annotations: all that there are, skips too, by task id and number.
        recent: task id -> when it was last changed, of those that changed shortly before that.
        people: annotator -> e-mail address.
        label_config: of the project, as people wrote it.
        by: who pulled it.
        unsent: tasks whose annotations Label Studio failed to send; those that it had sent before
            are as they were then.
    """

    number: int = 0
    created_at: str = field(default="", metadata=REQUIRED)
    project: str = ""
    watermark: Watermark = ""
    annotations: tuple[Annotation, ...] = field(default=(), metadata=REQUIRED)
    recent: dict[int, str] = field(default_factory=dict)
    people: dict[int, str] = field(default_factory=dict)
    label_config: str = ""
    by: str = ""
    unsent: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProjectCounts:
    """Label Studio's own counters of one project.

    ``labeled`` counts tasks, without those whose only annotation is ground truth.
    ``annotations`` and ``skips`` count annotations that are no skips, and that are.
    """

    id: int
    created_at: str
    title: str
    tasks: int
    labeled: int
    annotations: int
    skips: int
    model_version: str

    @property
    def identity(self) -> str:
        """Ids start from 1 again on a fresh server; the time of creation does not."""
        return f"{self.id} {self.created_at}"


@dataclass(frozen=True)
class Changes:
    """How the annotations of a dataset changed since its last snapshot."""

    created: int = 0
    updated: int = 0
    deleted: int = 0

    def __bool__(self) -> bool:
        return bool(self.created or self.updated or self.deleted)


@dataclass(frozen=True)
class Overlap:
    """Two labels whose images look alike: how many of one look like the other."""

    first: str
    second: str
    images: int


def compare(old: Snapshot, new: Snapshot) -> Changes:
    """What people did between two snapshots, in tasks."""
    before, after = by_task(old.annotations), by_task(new.annotations)
    return Changes(
        created=len(after.keys() - before.keys()),
        updated=sum(after[task] != before[task] for task in after.keys() & before.keys()),
        deleted=len(before.keys() - after.keys()),
    )


def by_task(annotations: Iterable[Annotation]) -> dict[int, list[Annotation]]:
    """Task id -> its annotations, skips too, in their order."""
    grouped: dict[int, list[Annotation]] = defaultdict(list)
    for annotation in annotations:
        grouped[annotation.task].append(annotation)
    return dict(grouped)
