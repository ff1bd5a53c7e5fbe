"""The snapshots of a dataset: what was annotated when, and who pulled it."""

from collections import Counter
from dataclasses import dataclass

from annolooop.domain.annotations import Snapshot, compare
from annolooop.domain.answers import count_tasks
from annolooop.loop.labels.current import read_labels, read_rules
from annolooop.loop.rounds.next_step import LoopState
from annolooop.stack import Stack


@dataclass(frozen=True)
class SnapshotRow:
    """One snapshot.

    Attributes:
        number: of it.
        created_at: ISO 8601.
        by: who pulled it.
        answers: annotations of people, and accepted predictions.
        labeled, skipped: tasks.
        people: e-mail address, or user id -> answers.
        created, updated, deleted: tasks, since the snapshot before.
        another_project: it is from another project of Label Studio than the one before.
    """

    number: int
    created_at: str
    by: str
    answers: int
    labeled: int
    skipped: int
    people: dict[str, int]
    created: int
    updated: int
    deleted: int
    another_project: bool


@dataclass(frozen=True)
class HistoryReport:
    """The last snapshots of a dataset, the newest last; ``total`` is how many there are.

    ``own``: it is the stack file's.
    """

    dataset: str
    total: int
    snapshots: tuple[SnapshotRow, ...]
    own: bool = True

    @property
    def state(self) -> LoopState:
        """The loop as far as snapshots tell it."""
        last = self.snapshots[-1].number if self.snapshots else 0
        return LoopState(dataset=self.dataset, own=self.own, pulled=bool(last), snapshot=last)


def history(stack: Stack, name: str, limit: int) -> HistoryReport:
    """Read the last snapshots.

    Args:
        stack: the annotation loop.
        name: of a dataset.
        limit: how many at most.

    Raises:
        DataError: there is no such dataset.
        UnreachableError: the store fails.
    """
    snapshots = stack.snapshots_of(name)
    numbers = snapshots.numbers()
    if not numbers:
        read_labels(stack, name, offline=True)  # says where there is no such dataset
    choice = read_rules(stack, name, None).choice
    chosen = numbers[-limit - 1 :]
    rows: list[SnapshotRow] = []
    before = None
    for snapshot in snapshots.each(chosen):
        if before or snapshot.number == numbers[0]:
            tasks = count_tasks(snapshot.annotations, choice)
            who = Counter(a.annotator for a in snapshot.annotations)
            changes = compare(before or Snapshot(), snapshot)
            rows.append(
                SnapshotRow(
                    number=snapshot.number,
                    created_at=snapshot.created_at,
                    by=snapshot.by,
                    answers=len(snapshot.annotations),
                    labeled=tasks.labeled,
                    skipped=tasks.skipped,
                    people={
                        snapshot.people.get(person or 0, str(person or "nobody known")): count
                        for person, count in who.most_common()
                    },
                    created=changes.created,
                    updated=changes.updated,
                    deleted=changes.deleted,
                    another_project=bool(before and before.project != snapshot.project),
                )
            )
        before = snapshot
    own = name == stack.config.dataset.name
    return HistoryReport(name, len(numbers), tuple(rows[-limit:]), own)
