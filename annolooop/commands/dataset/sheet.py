"""`annoloop dataset sheet`: label a page of images at a time."""

from dataclasses import dataclass
from typing import Annotated

import typer

from annolooop.commands.dataset.arguments import BROWSER
from annolooop.console.console import Console
from annolooop.errors import UsageError


@dataclass(frozen=True)
class SheetReport:
    """What was judged while the page was open."""

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
    from urllib.parse import urlsplit

    from annolooop.loop.labels.open_page import open_page
    from annolooop.loop.sheet.kinds import BLIND, LABEL, LEAST_SURE, SUREST
    from annolooop.loop.sheet.sheet import Sheet
    from annolooop.stack import open_stack
    from annolooop.web.app import sheet_app
    from annolooop.web.serve import bind, serving

    if least_sure + bool(label) + blind > 1:
        raise UsageError(
            "--least-sure, --label and --blind do not go together", "Name one of them."
        )
    stack = open_stack(console)
    kind = LEAST_SURE if least_sure else LABEL if label else BLIND if blind else SUREST
    pages = Sheet(stack, kind, label, console.track)
    begun_with = pages.left
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
    console.print(f"{report.judged} images judged, {report.left} are left")
