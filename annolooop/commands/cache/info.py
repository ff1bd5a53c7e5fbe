"""`annoloop cache info`: what is kept to save time."""

from typing import TYPE_CHECKING

from annolooop.commands.wording import size
from annolooop.console.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.setup.cache import CacheReport, CacheSpace


def info(console: Console) -> "CacheReport":
    """Show the embeddings and the parts of the cache, with sizes."""
    from annolooop.loop.setup.cache import info
    from annolooop.stack import open_stack

    return info(open_stack(console))


def print_info(console: Console, report: "CacheReport") -> None:
    """Print a table of the embedding sets, and one of the folders."""
    console.print(f"embeddings in {report.store}")
    console.table(
        ("embedding set", "images", "size", "copied", "used by"),
        [
            (
                kept.space,
                ", ".join(f"{count} {name}" for name, count in sorted(kept.images.items())),
                size(kept.bytes),
                size(kept.copied_bytes) if kept.copies else "",
                _users(kept),
            )
            for kept in report.spaces
        ],
        ("copied", "used by"),
    )
    console.print()
    console.print(f"cache in {report.folder}")
    console.table(
        ("folder", "files", "size", ""),
        [(part.name, part.files, size(part.bytes), part.about) for part in report.parts],
    )
    console.next("annoloop cache prune --dry-run")


def _users(kept: "CacheSpace") -> str:
    if kept.used_by:
        return counted(len(kept.used_by), "version")
    # Several stores may share a cache.
    return "no version" if kept.bytes else "not in this store"
