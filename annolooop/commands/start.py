"""`annoloop start`: from a folder of images to the first tasks in the browser."""

import os
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import BROWSER
from annolooop.console.console import Console
from annolooop.errors import RefusedError, UsageError, counted
from annolooop.loop.rounds.next_step import ROUND, next_step

if TYPE_CHECKING:
    from annolooop.config.schema import DatasetConfig
    from annolooop.loop.cycle.start import StartReport
    from annolooop.loop.setup.init import InitReport


def start(
    console: Console,
    photos: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of images.")],
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="A,B,...",
            help="Labels that people choose from; default: the names of the sub-folders.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the dataset; default: the folder's.")
    ] = None,
    count: Annotated[
        int, typer.Option("--query", metavar="N", min=1, max=99_999, help="Images to label first.")
    ] = ROUND,
    browser: BROWSER = True,
) -> "StartReport":
    """From a folder of images to the first tasks in the browser.

    Examples:
      annoloop start photos --labels cat,dog
      annoloop start photos      # asks for a name and the labels

    It writes a stack file, annoloop.yaml, starts Label Studio (the first time, it installs it:
    about 1 GB), makes the first model version, predicts the images, chooses those to label first,
    and opens them. Each of these is a command of its own, which it shows. Type it again at any
    time: it does only what is left to do.
    """
    from annolooop.loop.cycle.start import start
    from annolooop.stack import open_stack

    there = _has_stack_file(console)
    made = None if there else _make_stack_file(console, photos, name, labels)
    stack = open_stack(console)
    if there:
        _check_same(stack.config.dataset, name, labels)
    return start(
        stack,
        lambda: open_stack(console),
        photos,
        made,
        count,
        browser,
        not console.options.overrides,
        console.say,
        console.track,
    )


def _has_stack_file(console: Console) -> bool:
    from annolooop.config.choose import STACK_VARIABLE, list_stacks, read_marker

    chosen = console.options.stack or os.environ.get(STACK_VARIABLE) or read_marker(Path())
    return bool(chosen or list_stacks(Path()))


def _make_stack_file(
    console: Console, photos: str, name: str | None, labels: str | None
) -> "InitReport":
    """A stack file for this folder, about what was typed, and what a person adds.

    Raises:
        UsageError: the labels are missing, and nobody can be asked; or the folder is missing.
    """
    from annolooop.loop.cycle.start import propose
    from annolooop.loop.setup.init import check_dataset, init

    found = propose(photos)
    asks = sys.stdin.isatty() and not console.options.json
    if name is None and asks:
        name = console.ask(
            "Name of the dataset", found.name, lambda text: check_dataset(text, None)
        )
    name = found.name if name is None else name
    if labels is None:
        labels = ",".join(found.labels) or None
        if asks:
            labels = console.ask(
                "Labels that people choose from, with commas between",
                labels,
                lambda text: check_dataset(None, text),
            )
    if labels is None:
        raise UsageError(
            "the labels that people choose from are missing",
            f"Name them: annoloop start {quote(photos)} --labels cat,dog",
        )
    made = init(Path(), "local", name, labels)
    console.say(
        f"wrote annoloop.yaml  (= annoloop init --name {quote(name)} --labels {quote(labels)})"
    )
    return made


def _check_same(dataset: "DatasetConfig", name: str | None, labels: str | None) -> None:
    """See that the stack file that is there says what was typed.

    Raises:
        RefusedError: it does not.
    """
    from annolooop.loop.setup.init import split_labels

    typed = None if labels is None else split_labels(labels)
    other = ""
    if name not in (None, dataset.name):
        other = f"the name {dataset.name}"
    elif typed not in (None, dataset.labels):
        other = f"the labels {', '.join(dataset.labels)}"
    if other:
        raise RefusedError(
            f"the stack file has {other}, and is kept",
            "Change it there, under dataset:, and leave the option out; or begin in another "
            "folder.",
        )


def print_start(console: Console, report: "StartReport") -> None:
    """Print how many images there are, what to label first, and where."""
    asked = report.infer.query.asked if report.infer.query else report.launch.asked
    console.print(
        f"{report.dataset}: {counted(report.infer.images, 'image')}, {asked} of them to label first"
    )
    console.reasons("unreadable", report.infer.unreadable)
    console.print(report.launch.url)
    if report.launch.login and not report.launch.opened:
        console.print(f"login: {report.up.username}, password in {report.launch.login}")
    console.next(*next_step(report.state))
