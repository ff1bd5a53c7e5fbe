"""`annoloop model rollback`: back to the parent of the current model version."""

from typing import TYPE_CHECKING

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.versions.versions import PromoteReport


def rollback(console: Console) -> "PromoteReport":
    """Make the parent of the current version current again."""
    from annolooop.loop.versions.versions import rollback
    from annolooop.stack import open_stack

    return rollback(open_stack(console))
