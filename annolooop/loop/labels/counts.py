"""Counts of tasks by what people did with them."""

from collections.abc import Iterable

from annolooop.domain.annotations import Annotation, by_task


def count_tasks(annotations: Iterable[Annotation]) -> tuple[int, int]:
    """Tasks that someone annotated, and tasks that were only skipped."""
    tasks = by_task(annotations).values()
    skipped = sum(all(a.skipped for a in answers) for answers in tasks)
    return len(tasks) - skipped, skipped
