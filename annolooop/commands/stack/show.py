"""`annoloop stack show`: the settings, and where each comes from."""

from typing import TYPE_CHECKING

from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackReport


def show(console: Console) -> "StackReport":
    """Show all settings, and where each value comes from."""
    from annolooop.loop.setup.stacks import show

    return show(console.options.stack, console.options.overrides)


def print_settings(console: Console, report: "StackReport") -> None:
    """Print the settings as a table."""
    console.print(f"{report.file}, chosen by {report.chosen_by}")
    console.table(("key", "value", "origin"), [(r.key, r.value, r.origin) for r in report.settings])
    console.next("annoloop up")
