"""`annoloop cache prune`: delete what can be made again."""

from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.wording import size
from annolooop.console.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.setup.cache import CachePruneReport


def prune(
    console: Console,
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than", min=0, metavar="DAYS", help="Only copies not used for this many days."
        ),
    ] = 0,
    store: Annotated[
        bool,
        typer.Option(
            "--store", help="Also delete embeddings in the store that no model version uses."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be deleted.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> "CachePruneReport":
    """Delete local copies of embeddings.

    Examples:
      annoloop cache prune --dry-run
      annoloop cache prune --older-than 30 --yes

    They are fetched again when needed. With --store, it also deletes embeddings by backbones that
    no model version of any dataset has, and those of images that have more exact ones. They would
    have to be computed again.
    """
    from annolooop.loop.setup.cache import prune
    from annolooop.stack import open_stack

    stack = open_stack(console)
    if not yes:
        plan = prune(stack, older_than, store, apply=False)
        if dry_run or not plan.pending or not _confirmed(console, plan, older_than, store):
            return plan
    return prune(stack, older_than, store, apply=not dry_run)


def print_prune(console: Console, report: "CachePruneReport") -> None:
    """Print what was deleted, or would be."""
    if not report.copies and not report.objects:
        console.print("nothing to delete")
        return
    for line in _lines(report):
        console.print(f"{'deleted' if report.applied else 'to delete'}: {line}")
    console.next("annoloop cache info")


def _lines(report: "CachePruneReport") -> list[str]:
    lines = []
    if report.copies:
        lines.append(
            f"{counted(report.copies, 'file')} in {report.folder}, copies of embeddings, "
            f"{size(report.copied_bytes)}"
        )
    if report.objects:
        lines.append(
            f"{counted(report.objects, 'object')} of embeddings in {report.store}, "
            f"{size(report.bytes)}"
        )
    lines += [f"  all of embeddings/{space}, which no version uses" for space in report.spaces]
    return lines


def _confirmed(console: Console, plan: "CachePruneReport", older_than: float, store: bool) -> bool:
    words = ["annoloop", "cache", "prune"]
    words += ["--older-than", f"{older_than:g}"] * bool(older_than) + ["--store"] * store
    lines = ["This deletes:", *(f"  {line}" for line in _lines(plan))]
    return console.confirm(lines, "Delete it?", join([*words, "--yes"]))
