"""`annoloop demo`: the whole loop once, on photographs that come with the program."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.stats import print_stats
from annolooop.console.console import Console

if TYPE_CHECKING:
    from annolooop.loop.cycle.demo import CleanReport, DemoReport


def demo(
    console: Console,
    clean: Annotated[
        bool, typer.Option("--clean", help="Stop the demo and remove all its files.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Folder of the demo's files.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Port of the demo's Label Studio."),
    ] = None,
) -> "DemoReport | CleanReport":
    """Run the whole loop once on sample photographs.

    Examples:
      annoloop demo
      annoloop demo --clean

    It starts Label Studio, trains, infers, annotates, retrains and infers again, in a folder of
    its own.
    """
    from annolooop.loop.cycle.demo import clean as remove_demo
    from annolooop.loop.cycle.demo import demo

    if clean:
        return remove_demo(folder)
    silent = console.options.json or console.options.quiet
    return demo(
        folder,
        port,
        console.options.overrides,
        console.say,
        lambda report: None if silent else print_stats(console, report),
        console.track,
    )


def print_demo(console: Console, report: "DemoReport | CleanReport") -> None:
    """Print accuracies, times and the login, or what was removed."""
    from annolooop.loop.cycle.demo import CleanReport

    if isinstance(report, CleanReport):
        for path in report.removed:
            console.print(f"removed {path}")
        if not report.removed:
            console.print("there is no demo to remove")
        return
    console.print()
    console.table(
        ("predictions of", "by", "correct"),
        [
            ("batch_1, before retraining", report.model_before, f"{report.accuracy_before:.0%}"),
            ("batch_2, after retraining", report.model_after, f"{report.accuracy_after:.0%}"),
        ],
    )
    console.print()
    console.table(("step", "seconds"), [(k, f"{v:.1f}") for k, v in report.seconds.items()])
    console.print()
    console.print("Now annotate batch_2 yourself:")
    console.print(f"  {report.url}")
    console.print(f"  login {report.username}, password {report.password}")
    console.next("annoloop demo --clean", "to stop and remove it")
