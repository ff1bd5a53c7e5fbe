"""`annoloop doctor`: what works, and what to type where it does not."""

from typing import TYPE_CHECKING

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.checks import DoctorReport


def doctor(console: Console) -> "DoctorReport":
    """Check everything that the loop needs."""
    from annolooop.loop.setup.doctor import doctor
    from annolooop.stack import open_stack

    return doctor(lambda: open_stack(console))


def print_checks(console: Console, report: "DoctorReport", then: str = "annoloop stats") -> None:
    """Print a line for each check, and the fix below those that need one."""
    for check in report.checks:
        console.print(f"{check.status:<5} {check.name:<13} {check.detail}", " " * 20)
        if check.fix:
            console.print(f"      {'':<13} fix: {check.fix}", " " * 5)
    if not report.exit_code:
        console.next(then)
