"""`annoloop dataset delete`: a backup, then the end."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import NAME
from annolooop.console.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.dataset.delete import DeleteReport


def delete(
    console: Console,
    name: NAME,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_project: Annotated[
        bool,
        typer.Option("--keep-project", help="Delete it in the store only, not in Label Studio."),
    ] = False,
) -> "DeleteReport":
    """Delete a dataset, after a backup of all annotations.

    The backup is written to annoloop-backups/ in the folder of the stack file. Images stay in the
    store.
    """
    from annolooop.loop.dataset.delete import delete, look
    from annolooop.stack import open_stack

    stack = open_stack(console)
    plan = look(stack, name, keep_project)
    if not yes and not _confirmed(console, plan):
        return plan
    return delete(stack, plan, console.track)


def print_delete(console: Console, report: "DeleteReport") -> None:
    """Print what was deleted, and where the backup is."""
    if not report.deleted:
        console.print("nothing was deleted")
        return
    for line in _lines(report):
        console.print(f"deleted: {line}")
    for file in report.backups:
        console.print(f"backup: {file}")
    console.next("annoloop dataset list")


def _confirmed(console: Console, plan: "DeleteReport") -> bool:
    lines = [f"This deletes the dataset {plan.dataset}:"]
    lines += [f"  {line}" for line in _lines(plan)]
    lines += ["Images, backbones and embeddings stay in the store. A backup is written first."]
    keep = " --keep-project" if plan.keep_project else ""
    command = f"annoloop dataset delete {quote(plan.dataset)}{keep} --yes"
    return console.confirm(lines, "Delete it?", command)


def _lines(report: "DeleteReport") -> list[str]:
    people = "" if report.people is None else f" by {report.people} people"
    annotations = f"{counted(report.annotations, 'annotation')}{people}"
    lines = []
    if report.project is not None:
        lines.append(
            f"Label Studio's project {report.project} {report.title}: "
            f"{counted(report.tasks, 'task')}, {annotations}"
        )
    if report.uploads:
        lines.append(
            f"{counted(report.uploads, 'image')} that people uploaded there and that the store "
            f"does not have{'' if report.deleted else ' (annoloop sync copies them)'}"
        )
    if report.stored:
        lines.append(
            f"in the store: datasets/{report.dataset} ({counted(report.snapshots, 'snapshot')}"
            f"{'' if report.project is not None else f', {annotations}'}), "
            f"models/{report.dataset} ({counted(report.model_versions, 'version')})"
        )
    return lines
