"""`annoloop cache`: what is kept to save time, and room for more."""

import sys
from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.reports import CachePruneReport, CacheReport, CacheSpace


def info(console: Console) -> "CacheReport":
    """Show kept embeddings and the parts of the cache, with sizes."""
    from annolooop.loop import cache
    from annolooop.stack import open_stack

    return cache.info(open_stack(console))


def show_info(console: Console, report: "CacheReport") -> None:
    """Print a table of the spaces, and one of the folders."""
    console.print(f"embeddings in {report.store}")
    console.table(
        ("space", "images", "size", "copied", "used by"),
        [
            (
                space.space,
                ", ".join(f"{count} {name}" for name, count in sorted(space.images.items())),
                _size(space.bytes),
                _size(space.copied_bytes) if space.copies else "",
                _users(space),
            )
            for space in report.spaces
        ],
    )
    console.print()
    console.print(f"cache in {report.folder}")
    console.table(
        ("folder", "files", "size", ""),
        [(part.name, part.files, _size(part.bytes), part.about) for part in report.parts],
    )
    console.next("annoloop cache prune --dry-run")


def _users(space: "CacheSpace") -> str:
    if space.used_by:
        return counted(len(space.used_by), "version")
    # Several stores may share a cache.
    return "no version" if space.bytes else "not in this store"


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
    from annolooop.loop import cache
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


def _size(count: int) -> str:
    """Bytes, to read."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
