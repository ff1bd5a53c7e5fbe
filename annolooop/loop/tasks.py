"""Which tasks Label Studio has: by the ledger while its counters agree with it, else by listing."""

from annolooop.records import ProjectCounts
from annolooop.stack import Stack
from annolooop.storage.ledger import Ledger


def agrees(stack: Stack, project: ProjectCounts) -> bool:
    """Whether the ledger can be believed: the server counts what it says. Two requests, or three.

    Compared are the project, predictions by version, the newest task, and the number of tasks,
    less those that people uploaded and that are not collected yet.
    """
    ledger, studio = stack.ledger, stack.studio
    ledger.refresh()
    if ledger.project != project.identity:
        return False
    if ledger.counts() != _present(stack, project):
        return False
    total, newest = studio.newest_task(project.id)
    if len(ledger) == total:
        return not newest or ledger.holds(newest)
    others = {task for task, _ in studio.tasks_without_key(project.id)}
    return len(ledger) + len(others) == total and (newest in others or ledger.holds(newest))


def list_tasks(stack: Stack, project: ProjectCounts, ledger: Ledger) -> None:
    """List all tasks, and make a ledger say what there is.

    Predictions are listed only of versions that the server counts otherwise than the ledger.
    """
    studio, name = stack.studio, project.identity
    ledger.mend_tasks(name, (task for task in studio.tasks(project.id) if task.key))
    present, noted = _present(stack, project), ledger.counts()
    for version in sorted(present.keys() | noted.keys()):
        count = present.get(version, 0)
        if count != noted.get(version, 0):
            listed = studio.list_predicted(project.id, [version]) if count else ()
            ledger.mend_predictions(name, version, listed, count)


def foreseen(stack: Stack, project: ProjectCounts) -> Ledger:
    """The ledger if it can be believed, or else one that nobody else gets to see."""
    if agrees(stack, project):
        return stack.ledger
    ledger = Ledger(stack.store, stack.config.dataset.name, kept=False)
    ledger.refresh()
    list_tasks(stack, project, ledger)
    return ledger


def _present(stack: Stack, project: ProjectCounts) -> dict[str, int]:
    counted = stack.studio.model_versions(project.id)
    return {version: count for version, count in counted.items() if count}
