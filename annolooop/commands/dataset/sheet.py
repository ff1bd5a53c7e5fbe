"""`annoloop dataset sheet`: label a page of images at a time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import BROWSER
from annolooop.console.console import Console
from annolooop.errors import UsageError, counted
from annolooop.loop.rounds.next_step import after_sheet

if TYPE_CHECKING:
    from annolooop.stack import Stack


@dataclass(frozen=True)
class SheetReport:
    """What was judged while the page was open; ``url`` is empty where nothing was to be judged."""

    dataset: str
    url: str
    judged: int
    left: int


def sheet(
    console: Console,
    least_sure: Annotated[
        bool, typer.Option("--least-sure", help="Begin with what the model is least sure of.")
    ] = False,
    label: Annotated[
        str, typer.Option("--label", metavar="LABEL", help="Show all that may be this label.")
    ] = "",
    blind: Annotated[
        bool,
        typer.Option(
            "--blind", help="Show the images that measure the model, without predictions."
        ),
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0: a free one.")
    ] = 0,
    browser: BROWSER = True,
) -> SheetReport:
    """Label a page of images at a time.

    Examples:
      annoloop dataset sheet
      annoloop dataset sheet --least-sure
      annoloop dataset sheet --label glass

    A page shows images for which the model predicts the same label. Mark those that are something
    else, and press Enter. It is served until Ctrl+C.
    """
    from annolooop.loop.sheet.kinds import BLIND, LABEL, LEAST_SURE, SUREST
    from annolooop.stack import open_stack

    if least_sure + bool(label) + blind > 1:
        raise UsageError(
            "--least-sure, --label and --blind do not go together", "Name one of them."
        )
    kind = LEAST_SURE if least_sure else LABEL if label else BLIND if blind else SUREST
    return serve(console, open_stack(console), kind, label, port, browser)


def serve(
    console: Console,
    stack: "Stack",
    kind: str,
    label: str = "",
    port: int = 0,
    browser: bool = True,
) -> SheetReport:
    """Show a sheet until Ctrl+C, or not at all where there is nothing to judge.

    Args:
        console: of the command.
        stack: the annotation loop.
        kind: of the sheet; empty for the one that takes fewest looks.
        label: of the kind ``label``.
        port: of the page; 0 takes a free one.
        browser: open the browser.
    """
    from urllib.parse import urlsplit

    from annolooop.loop.labels.open_page import open_page
    from annolooop.loop.sheet.sheet import Sheet
    from annolooop.web.app import sheet_app
    from annolooop.web.serve import bind, serving

    pages = Sheet(stack, kind, label, console.track)
    begun_with = pages.left
    if not begun_with:
        return SheetReport(stack.config.dataset.name, "", 0, 0)
    host = urlsplit(stack.studio.connection.pages).hostname or ""
    opened = bind(port)
    url = f"http://{host}:{opened.getsockname()[1]}/"
    app = sheet_app(pages, [host], f"{stack.studio.connection.pages}/user/login/")
    with serving(app, opened) as thread:
        console.say(f"{begun_with} images to judge: {url}  (Ctrl+C ends it)")
        try:
            if browser:
                open_page(stack, url)
            thread.join()
        except KeyboardInterrupt:
            pass
    return SheetReport(stack.config.dataset.name, url, begun_with - pages.left, pages.left)


def print_sheet(console: Console, report: SheetReport) -> None:
    """Print how many images were judged."""
    if not report.url:
        console.print("no image is left that can be judged on such a page")
    else:
        console.print(f"{counted(report.judged, 'image')} judged, {report.left} are left")
    console.next(*after_sheet(report.dataset, bool(report.url)))
