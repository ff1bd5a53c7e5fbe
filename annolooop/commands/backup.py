"""`annoloop backup`: one file with everything that Label Studio has."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.wording import size
from annolooop.console.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.setup.backup import BackupReport


def backup(
    console: Console,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File to write; default: a name with the time, see below."),
    ] = None,
    keep: Annotated[
        int, typer.Option("--keep", min=1, help="Newest backups to keep, of those without --out.")
    ] = 7,
    daily: Annotated[
        bool, typer.Option("--daily", help="Only where the newest one is a day old.", hidden=True)
    ] = False,
) -> "BackupReport | None":
    """Copy Label Studio's database, uploads and login into one file.

    Examples:
      annoloop backup
      annoloop backup --out /mnt/usb/label-studio.tar.gz

    People may annotate meanwhile. Without --out, it goes into the store where that is in a bucket
    or on another disk, else into a folder beside the database. `annoloop up` makes one a day
    by itself where it goes into the store; label_studio.daily_backup: false turns that off.

    Whoever reads it can log in as its owner: keep it as you keep a password.
    """
    from annolooop.loop.setup.backup import back_up_daily, backup
    from annolooop.stack import open_stack

    stack = open_stack(console)
    return back_up_daily(stack, keep) if daily else backup(stack, out, keep)


def print_backup(console: Console, report: "BackupReport | None") -> None:
    """Print where it is."""
    if report is None:
        console.print("the newest backup is from today")
        return
    console.print(f"written: {report.name}, {size(report.bytes)}")
    if report.removed:
        console.print(f"removed: {counted(len(report.removed), 'older backup')}")
    if report.kept:
        console.print(f"kept: {counted(report.kept, 'backup')}")
    console.say(f"To put it back: annoloop down, then: annoloop restore {report.name}")
