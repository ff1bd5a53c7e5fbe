"""`annoloop stack`: what the stack file says."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.reports import StackReport


def show_stack(console: Console) -> "StackReport":
    """Show the effective settings, and where each comes from."""
    from annolooop.reports import StackReport
    from annolooop.stack_file import load_stack

    loaded = load_stack(console.options.stack, console.options.overrides)
    return StackReport(str(loaded.file), loaded.settings)


def show_settings(console: Console, report: "StackReport") -> None:
    """Print the settings as a table."""
    console.print(f"{report.file}")
    console.table(("key", "value", "origin"), [(r.key, r.value, r.origin) for r in report.settings])
    console.next("annoloop up")


def check(console: Console) -> "StackReport":
    """Validate the stack file."""
    return show_stack(console)


def show_check(console: Console, report: "StackReport") -> None:
    """Print that it is valid; what is wrong is an error."""
    console.print(f"{report.file} is valid")
    console.next("annoloop up")
