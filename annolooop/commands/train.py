"""`annoloop train`: the first model version, and the next ones."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console

if TYPE_CHECKING:
    from annolooop.records import Holdout
    from annolooop.reports import TrainReport


def train(
    console: Console,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Learn from what was annotated since.")
    ] = False,
) -> "TrainReport":
    """Make the first model version, or learn from annotations."""
    from annolooop.loop.train import train as run
    from annolooop.stack import open_stack

    return run(open_stack(console), rerun, console.track)


def show(console: Console, report: "TrainReport") -> None:
    """Print what was learnt, or what there is to learn."""
    name = f"{report.model_version}"
    backbone = f"{report.backbone.name}, weights {report.backbone.weights}"
    if report.trained:
        learnt = report.examples - report.holdout.n
        console.print(f"trained {name} on {learnt} labels ({backbone}); it is promoted")
    elif report.registered:
        console.print(f"registered {name}: untrained, a fresh head on {backbone}; it is promoted")
    else:
        console.print(f"{name} stays ({backbone})")
    console.print("labels: " + ", ".join(f"{k} {n}" for k, n in report.labels.items()))
    for row in report.unreadable:
        console.print(f"left out: {row['file']}: {row['reason']}")
    console.print(f"holdout: {_holdout(report.holdout)}")
    if "accuracy" in report.cross_validation:
        figures = report.cross_validation
        console.print(f"cross-validation: accuracy {figures['accuracy']:.3f}")
    news = _news(report)
    if report.trained:
        console.next("annoloop infer --batch FOLDER", "or refresh all: annoloop infer --rerun")
    elif news:
        console.print(f"since then: {news}")
        console.next("annoloop train --rerun")
    elif report.examples:
        console.print("nothing new to learn from")
        console.next(f"annoloop dataset launch {quote(report.dataset)}")
    else:
        console.next("annoloop infer --batch FOLDER")


def _holdout(holdout: "Holdout") -> str:
    from annolooop.model.metrics import MIN_HOLDOUT

    if holdout.accuracy is None:
        return f"{holdout.n} labelled images, too few to tell ({MIN_HOLDOUT} are needed)"
    return (
        f"accuracy {holdout.accuracy:.3f} on {holdout.n} images "
        f"(95 %: {holdout.low:.3f} to {holdout.high:.3f})"
    )


def _news(report: "TrainReport") -> str:
    parts = {
        "new": report.new_labels,
        "corrected": report.changed_labels,
        "removed": report.removed_labels,
    }
    return ", ".join(f"{n} {what} labels" for what, n in parts.items() if n)
