"""`annoloop demo`: the whole loop once, on photographs that come with the program."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.commands.stats import show_stats
from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.loop.cycle.demo import CleanReport, DemoReport


def demo(
    console: Console,
    clean: Annotated[bool, typer.Option("--clean", help="Remove all that the demo made.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where the demo keeps everything.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Port of the demo's Label Studio."),
    ] = None,
) -> "DemoReport | CleanReport":
    """Run the whole loop once, in a folder of its own.

    Start, train, infer, annotate, retrain, infer again. Your files are left alone.
    """
    from annolooop.loop.cycle import demo as loop

    if clean:
        return loop.clean(folder)
    silent = console.options.json or console.options.quiet
    return loop.demo(
        folder,
        port,
        console.options.overrides,
        console.say,
        lambda report: None if silent else show_stats(console, report),
        console.track,
    )


def show(console: Console, report: "DemoReport | CleanReport") -> None:
    """Print the closing table and the way in, or what was removed."""
    from annolooop.loop.cycle.demo import CleanReport

    if isinstance(report, CleanReport):
        for path in report.removed:
            console.print(f"removed {path}")
        if not report.removed:
            console.print("there is no demo to remove")
        return
    console.print()
    console.table(
        ("pre-annotations of", "by", "right"),
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
    console.next("annoloop demo --clean", "stops it and removes it")
