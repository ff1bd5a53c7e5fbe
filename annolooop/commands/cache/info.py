"""`annoloop cache info`."""

from typing import TYPE_CHECKING

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.setup.cache import CacheReport, CacheSpace

from annolooop.commands.cache.sizes import _size


def info(console: Console) -> "CacheReport":
    """Show kept embeddings and the parts of the cache, with sizes."""
    from annolooop.loop.setup import cache
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
