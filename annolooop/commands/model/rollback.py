"""`annoloop model rollback`."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.versions.versions import PromoteReport


def rollback(console: Console) -> "PromoteReport":
    """Put the parent of the version in force back in force."""
    from annolooop.loop.versions.versions import rollback as run
    from annolooop.stack import open_stack

    return run(open_stack(console))
