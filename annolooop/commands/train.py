"""`annoloop train`: the first model version, and the next ones."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.records import BackboneInfo, Finetuning, Holdout
    from annolooop.reports import CompareReport, TrainReport


def train(
    console: Console,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Learn from what was annotated since.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Only tell whether fine-tuning the backbone pays."),
    ] = False,
) -> "TrainReport | CompareReport":
    """Make the first model version, or learn from annotations."""
    from annolooop.stack import open_stack

    if compare:
        from annolooop.errors import UsageError
        from annolooop.loop.compare import compare as run_compare

        if rerun:
            raise UsageError("--compare registers nothing, --rerun does", "Give one of the two.")
        return run_compare(open_stack(console), console.track)
    from annolooop.loop.train import train as run

    return run(open_stack(console), rerun, console.track)


def show(console: Console, report: "TrainReport | CompareReport") -> None:
    """Print what was learnt, what there is to learn, or what is better."""
    from annolooop.reports import CompareReport

    if isinstance(report, CompareReport):
        _show_compare(console, report)
    else:
        _show_train(console, report)


def _show_train(console: Console, report: "TrainReport") -> None:
    name = report.model_version
    backbone = describe_backbone(report.backbone)
    if report.trained:
        console.print(
            f"trained {name} on {counted(report.learnt, 'label')} ({backbone}); it is promoted"
        )
    elif report.registered:
        console.print(f"registered {name}: untrained, a fresh head on {backbone}; it is promoted")
    else:
        console.print(f"{name} stays ({backbone})")
    console.print("labels: " + ", ".join(f"{k} {n}" for k, n in report.labels.items()))
    console.reasons("left out", report.unreadable)
    console.print(f"holdout: {_holdout(report.holdout)}")
    if "accuracy" in report.cross_validation:
        figures = report.cross_validation
        console.print(f"cross-validation: accuracy {figures['accuracy']:.3f}")
    if report.finetune:
        console.print(f"fine-tuning: {_finetuning(report.finetune)}")
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


def _show_compare(console: Console, report: "CompareReport") -> None:
    console.print(f"learnt from {counted(report.examples, 'label')}, registered nothing")
    console.reasons("left out", report.unreadable)
    console.print(f"head    holdout: {_holdout(report.head)}")
    console.print(f"{report.mode:<7} holdout: {_holdout(report.tuned)}")
    console.print(f"fine-tuning: {_finetuning(report.finetune)}")
    if report.p_value is not None:
        console.print(
            f"right in one of the two only: head {report.only_head}, {report.mode} "
            f"{report.only_tuned}; exact McNemar test: p = {report.p_value:.3g}"
        )
    console.print(report.verdict)
    console.print(f"so set: {report.advice}")


def describe_backbone(info: "BackboneInfo") -> str:
    """A backbone, its weights, and what of it was fine-tuned, for people."""
    tuned = {"layer4": ", last stage fine-tuned", "all": ", fine-tuned"}.get(info.tuned, "")
    return f"{info.name}, weights {info.weights}{tuned}"


def _finetuning(told: "Finetuning") -> str:
    if told.loss_before is None or told.loss_after is None:
        return (
            f"not done: of {counted(told.examples, 'label')} outside of the holdout, "
            f"{told.validation} would tell when to stop, too few; the backbone stays as it was"
        )
    ran = counted(told.epochs, "epoch")
    if told.resumed_from:
        ran += f" (went on after {told.resumed_from})"
    if told.stopped_early:
        ran += ", stopped early"
    if not told.best_epoch:
        return f"{ran}; none was better than the head alone, so the backbone stays as it was"
    return (
        f"{ran}; epoch {told.best_epoch} is kept: validation loss {told.loss_before:.3f} -> "
        f"{told.loss_after:.3f} on {counted(told.validation, 'image')}"
    )


def _holdout(holdout: "Holdout") -> str:
    from annolooop.model.metrics import MIN_HOLDOUT

    if holdout.accuracy is None:
        return f"{holdout.n} labelled images, too few to tell ({MIN_HOLDOUT} are needed)"
    return (
        f"accuracy {holdout.accuracy:.3f} on {counted(holdout.n, 'image')} "
        f"(95 %: {holdout.low:.3f} to {holdout.high:.3f})"
    )


def _news(report: "TrainReport") -> str:
    parts = {
        "new": report.new_labels,
        "corrected": report.changed_labels,
        "removed": report.removed_labels,
    }
    return ", ".join(f"{n} {what} labels" for what, n in parts.items() if n)
