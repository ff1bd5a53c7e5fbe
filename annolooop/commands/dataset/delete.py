"""`annoloop dataset delete`: a backup, then the end."""

import sys
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import NAME
from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.dataset.delete import DeleteReport


def delete(
    console: Console,
    name: NAME,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    keep_project: Annotated[
        bool,
        typer.Option("--keep-project", help="Delete what the store has; leave Label Studio alone."),
    ] = False,
) -> "DeleteReport":
    """Delete a dataset, after a backup of what people gave.

    The backup is made in annoloop-backups/ of the project folder. Images stay in the store.
    """
    from annolooop.loop.dataset.delete import delete as run
    from annolooop.loop.dataset.delete import look
    from annolooop.stack import open_stack

    stack = open_stack(console)
    found = look(stack, name, keep_project)
    if not yes and not _confirmed(found):
        return found
    return run(stack, found, console.track)


def show(console: Console, report: "DeleteReport") -> None:
    """Print what is gone, and where the backup is."""
    if not report.deleted:
        console.print("nothing was deleted")
        return
    for line in _doomed(report):
        console.print(f"deleted: {line}")
    for file in report.backups:
        console.print(f"backup: {file}")
    console.next("annoloop dataset list")


def _confirmed(found: "DeleteReport") -> bool:
    lines = [f"This deletes the dataset {found.dataset}:"]
    lines += [f"  {line}" for line in _doomed(found)]
    lines += ["Images, backbones and embeddings stay in the store. A backup is made first."]
    if not sys.stdin.isatty():
        from annolooop.errors import UsageError

        keep = " --keep-project" if found.keep_project else ""
        raise UsageError(
            "\n".join([*lines, "Nobody can be asked here, so nothing was deleted."]),
            f"annoloop dataset delete {quote(found.dataset)}{keep} --yes",
        )
    try:
        return typer.confirm("\n".join([*lines, "Delete it?"]), err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None


def _doomed(report: "DeleteReport") -> list[str]:
    people = "" if report.people is None else f" by {report.people} people"
    said = f"{counted(report.annotations, 'annotation')}{people}"
    lines = []
    if report.project is not None:
        lines.append(
            f"Label Studio's project {report.project} {report.title}: "
            f"{counted(report.tasks, 'task')}, {said}"
        )
    if report.uploads:
        lines.append(
            f"{counted(report.uploads, 'image')} uploaded there by people, and not in the store"
            f"{'' if report.deleted else ' (annoloop sync puts them there)'}"
        )
    if report.stored:
        lines.append(
            f"in the store: datasets/{report.dataset} ({counted(report.snapshots, 'snapshot')}"
            f"{'' if report.project is not None else f', {said}'}), "
            f"models/{report.dataset} ({counted(report.model_versions, 'version')})"
        )
    return lines
