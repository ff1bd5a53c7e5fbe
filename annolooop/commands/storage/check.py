"""`annoloop storage check`: whether the store can be used."""

from typing import TYPE_CHECKING

from annolooop.commands.doctor import print_checks
from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.checks import DoctorReport


def check(console: Console) -> "DoctorReport":
    """Check that the store can be used.

    It checks rights, conditional writes, signatures, CORS rules and the clock. It writes an object
    for the test and removes it again.
    """
    from annolooop.loop.setup.store_check import check_storage
    from annolooop.stack import open_stack

    return check_storage(open_stack(console))


def print_check(console: Console, report: "DoctorReport") -> None:
    """Print a line for each check, and the fix below those that need one."""
    print_checks(console, report, "annoloop doctor")
