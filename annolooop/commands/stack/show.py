"""`annoloop stack show`."""

from typing import TYPE_CHECKING

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.stacks import StackReport


def show_stack(console: Console) -> "StackReport":
    """Show the effective settings, and where each comes from."""
    from annolooop.loop.setup.stacks import show

    return show(console.options.stack, console.options.overrides)


def show_settings(console: Console, report: "StackReport") -> None:
    """Print the settings as a table."""
    console.print(f"{report.file}, chosen by {report.chosen_by}")
    console.table(("key", "value", "origin"), [(r.key, r.value, r.origin) for r in report.settings])
    console.next("annoloop up")
