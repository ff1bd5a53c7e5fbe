"""`annoloop next`: a round in one command."""

from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.dataset.arguments import BROWSER
from annolooop.commands.train import describe_news, describe_quality
from annolooop.console.console import Console
from annolooop.errors import UsageError, counted
from annolooop.loop.rounds.next_step import after_sheet, next_step

if TYPE_CHECKING:
    from annolooop.loop.cycle.next import NextReport


def next_(
    console: Console,
    count: Annotated[
        int | None,
        typer.Argument(
            metavar="[N]",
            min=1,
            max=99_999,
            help="Images to label next; default: as many as last time.",
        ),
    ] = None,
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Then label a page of images at a time.")
    ] = False,
    browser: BROWSER = True,
) -> "NextReport":
    """Learn from the labels, and ask the next ones.

    Examples:
      annoloop next
      annoloop next 100
      annoloop next --sheet

    It pulls the annotations, makes the next model version of them, predicts all images with it,
    chooses what to label next, and opens that. Each of these is a command of its own, which it
    shows. Type it again at any time: it does only what is left to do. Where the new version is
    worse, it is refused (exit code 6), and the rest is done with the version before.
    """
    from annolooop.loop.cycle.next import next_round
    from annolooop.stack import open_stack

    if sheet and count:
        raise UsageError("N and --sheet do not go together", "A sheet shows all that is left.")
    stack = open_stack(console)

    def judge() -> int:
        from annolooop.commands.dataset.sheet import serve

        return serve(console, stack, "", browser=browser).judged

    shown = judge if sheet else None
    return next_round(stack, count, browser, console.say, console.track, shown)


def print_next(console: Console, report: "NextReport") -> None:
    """Print what was learnt, how good it is, and what comes next, a line each."""
    console.print(f"learnt: {_training(report)}")
    if report.train:
        console.print(f"quality: {describe_quality(report.train)}")
    if report.judged is not None:
        console.print(f"judged: {counted(report.judged, 'image')} on contact sheets")
        console.next(*after_sheet(report.dataset, bool(report.judged)))
        return
    console.print(f"to label: {_asked(report)}")
    if report.sheets and report.launch.left:
        console.say("To label many images at a time instead: annoloop dataset sheet")
    if report.launch.login and not report.launch.opened:
        console.say(f"The login is in the file {report.launch.login}")
    console.next(*next_step(report.state))


def _training(report: "NextReport") -> str:
    train = report.train
    if train is None:
        return f"nothing yet: {report.too_few}"
    if train.refused and train.gate:
        return f"{train.refused} was refused, {train.model_version} stays: {train.gate.why}"
    labels = ", ".join(f"{label} {count}" for label, count in train.labels.items())
    if not train.trained:
        return f"nothing new since {train.model_version} ({labels})"
    news = describe_news(train, noun="")
    changes = f" ({news})" if news else ""
    return f"{train.model_version} from {counted(train.examples, 'label')}{changes}: {labels}"


def _asked(report: "NextReport") -> str:
    launch = report.launch
    if launch.left or launch.waiting:
        return (
            f"{counted(launch.left or launch.waiting, 'image')} of round "
            f"{launch.round}: {launch.url}"
        )
    return "nothing: every image is labelled or skipped"
