"""`annoloop doctor`: what works, and what to type where it does not."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.checks import DoctorReport


def doctor(console: Console) -> "DoctorReport":
    """Check each part that the loop needs."""
    from annolooop.loop.setup.doctor import doctor as run
    from annolooop.stack import open_stack

    return run(lambda: open_stack(console))


def show(console: Console, report: "DoctorReport", then: str = "annoloop stats") -> None:
    """Print a line for each check, and the fix under those that need one."""
    for check in report.checks:
        console.print(f"{check.status:<5} {check.name:<13} {check.detail}")
        if check.fix:
            console.print(f"      {'':<13} fix: {check.fix}")
    if not report.exit_code:
        console.next(then)
