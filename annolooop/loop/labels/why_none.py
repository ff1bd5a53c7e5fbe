"""Why answers give no label."""

from collections.abc import Sequence
from shlex import quote

from annolooop.domain.annotations import UNSENT, Annotation, Snapshot
from annolooop.domain.answers import TaskCounts, count_tasks
from annolooop.domain.examples import Labelled
from annolooop.domain.progress import left_out
from annolooop.errors import DataError, counted


def unreadable_answers(snapshot: Snapshot) -> tuple[dict[str, str], ...]:
    """``file`` and ``reason`` of answers that cannot be read."""
    unread = [
        (
            f"{a.key or 'no image of the store'}, task {a.task}",
            f"an answer is left out: {a.unreadable}",
        )
        for a in snapshot.annotations
        if a.unreadable
    ]
    known = {a.task: a.key for a in snapshot.annotations if not a.unreadable}
    unsent = [
        (
            f"{known[task] or 'no image of the store'}, task {task}",
            f"what it had last time counts: {UNSENT}",
        )
        for task in snapshot.unsent
        if task in known
    ]
    return left_out((*unread, *unsent))


def nothing_labelled(
    name: str,
    annotations: Sequence[Annotation],
    choice: str,
    found: Labelled,
    live: bool = True,
) -> DataError:
    """Why a dataset has no example: nobody annotated it, or what people answered is no label.

    Args:
        name: of the dataset.
        annotations: all that there are.
        choice: ``single`` or ``multiple``.
        found: what follows from them.
        live: they were read from Label Studio, else from the last snapshot.
    """
    launch = f"annoloop dataset launch {quote(name)}"
    counts = count_tasks(annotations, choice)
    reasons = [
        f"{n} {what}"
        for n, what in (
            (counts.skipped, "skipped"),
            (counts.empty, "with an answer that says nothing"),
            (counts.unreadable, "with an answer that cannot be read"),
            (len(found.disputed), "disputed"),
            (len(found.other), "with one of dataset.other_answers"),
            (len(found.unknown), "with a label that is not in dataset.labels"),
        )
        if n
    ]
    if counts == TaskCounts() and not live:
        return DataError(
            f"the store has no annotations of {name}, and Label Studio was not asked",
            "Pull them: annoloop sync, while Label Studio runs (annoloop up)",
        )
    if counts == TaskCounts():
        return DataError(f"nothing of {name} is annotated yet", f"Annotate: {launch}")
    if not reasons:
        return DataError(
            f"{name} has {counted(counts.labeled, 'annotated task')}, and none is about an image "
            "of the store that a person labelled",
            f"Copy uploaded images into the store: annoloop sync; annotate more: {launch}",
        )
    return DataError(
        f"no image of {name} has a label to learn from: {', '.join(reasons)}",
        f"See them: annoloop stats; annotate: {launch}",
    )
