"""`annoloop up`: start Label Studio."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.setup.server import UpReport


def up(
    console: Console,
    refresh_storage: Annotated[
        bool,
        typer.Option(
            "--refresh-storage", help="Give Label Studio the credentials of the bucket anew."
        ),
    ] = False,
) -> "UpReport":
    """Start Label Studio, ready to use; install it first if need be."""
    from annolooop.loop.setup import server as studio
    from annolooop.stack import open_stack

    return studio.up(open_stack(console), console.say, refresh_storage)


def show_up(console: Console, report: "UpReport") -> None:
    """Print where it is and how to log in."""
    what = "started" if report.started else "runs already"
    console.print(f"Label Studio {report.version} {what}: {report.url}")
    console.print(f"login: {report.username}")
    if report.credentials:
        console.print(f"password: in {report.credentials}")
    if report.refreshed is not None:
        console.print(f"projects that got the credentials of the bucket: {report.refreshed}")
    console.next("annoloop train")
