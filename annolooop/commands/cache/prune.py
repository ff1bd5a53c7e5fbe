"""`annoloop cache prune`."""

import sys
from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.setup.cache import CachePruneReport

from annolooop.commands.cache.sizes import _size


def prune(
    console: Console,
    older_than: Annotated[
        float,
        typer.Option(
            "--older-than", min=0, metavar="DAYS", help="Only copies not used for so many days."
        ),
    ] = 0,
    store: Annotated[
        bool,
        typer.Option(
            "--store", help="Also delete from the store what no model version computes with."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be deleted.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> "CachePruneReport":
    """Delete local copies of embeddings; they come back when needed.

    With --store, also embeddings of backbones that no model version of any dataset has, and those
    of images that have more exact ones. They would have to be computed again.
    """
    from annolooop.loop.setup import cache
    from annolooop.stack import open_stack

    stack = open_stack(console)
    if not yes:
        plan = cache.prune(stack, older_than, store, apply=False)
        if dry_run or not plan.pending or not _confirmed(plan, older_than, store):
            return plan
    return cache.prune(stack, older_than, store, apply=not dry_run)


def show_prune(console: Console, report: "CachePruneReport") -> None:
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
        size = _size(report.copied_bytes)
        lines.append(
            f"{counted(report.copies, 'file')} in {report.folder}, copies of embeddings, {size}"
        )
    if report.objects:
        size = _size(report.bytes)
        lines.append(f"{counted(report.objects, 'object')} of embeddings in {report.store}, {size}")
    lines += [f"  all of embeddings/{space}, which no version uses" for space in report.spaces]
    return lines


def _confirmed(plan: "CachePruneReport", older_than: float, store: bool) -> bool:
    lines = ["This deletes:", *(f"  {line}" for line in _lines(plan))]
    if not sys.stdin.isatty():
        from annolooop.errors import UsageError

        words = ["annoloop", "cache", "prune"]
        words += ["--older-than", f"{older_than:g}"] * bool(older_than) + ["--store"] * store
        raise UsageError(
            "\n".join([*lines, "Nobody can be asked here, so nothing was deleted."]),
            join([*words, "--yes"]),
        )
    try:
        return typer.confirm("\n".join([*lines, "Delete it?"]), err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
