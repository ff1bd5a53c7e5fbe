"""`annoloop storage check`."""

from typing import TYPE_CHECKING

from annolooop.commands.doctor import show as show_checks
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.checks import DoctorReport


def check(console: Console) -> "DoctorReport":
    """Check the store: rights, conditions, signatures, CORS, clock.

    An object is written for it, and removed again.
    """
    from annolooop.loop.setup.store_check import check_storage
    from annolooop.stack import open_stack

    return check_storage(open_stack(console))


def show_check(console: Console, report: "DoctorReport") -> None:
    """Print a line for each check, and the fix under those that need one."""
    show_checks(console, report, "annoloop doctor")
