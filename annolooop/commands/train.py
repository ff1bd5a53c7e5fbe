"""`annoloop train`: the first model version, and the next ones."""

from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from annolooop.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annolooop.domain.examples import Holdout
    from annolooop.domain.versions import BackboneInfo, Estimate, Evaluation, Finetuning
    from annolooop.loop.train.compare import CompareReport
    from annolooop.loop.train.train import TrainReport


def train(
    console: Console,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Learn from what was annotated since.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Only tell whether fine-tuning the backbone pays."),
    ] = False,
    gate: Annotated[
        Literal["strict", "lenient", "off"] | None,
        typer.Option(
            "--gate",
            help="With --rerun: when a worse model version is not promoted (exit code 6).",
        ),
    ] = None,
) -> "TrainReport | CompareReport":
    """Make the first model version, or learn from annotations."""
    from annolooop.errors import UsageError
    from annolooop.stack import open_stack

    if gate and not rerun:
        raise UsageError("--gate is for --rerun", "annoloop train --rerun --gate ...")
    if compare:
        from annolooop.loop.train.compare import compare as run_compare

        if rerun:
            raise UsageError("--compare registers nothing, --rerun does", "Give one of the two.")
        return run_compare(open_stack(console), console.track)
    from annolooop.loop.train.train import train as run

    return run(open_stack(console), rerun, console.track, gate)


def show(console: Console, report: "TrainReport | CompareReport") -> None:
    """Print what was learnt, what there is to learn, or what is better."""
    from annolooop.loop.train.compare import CompareReport

    if isinstance(report, CompareReport):
        _show_compare(console, report)
    else:
        _show_train(console, report)


def _show_train(console: Console, report: "TrainReport") -> None:
    name = report.model_version
    backbone = describe_backbone(report.backbone)
    if report.refused:
        _show_refused(console, report)
        return
    if report.trained:
        console.print(
            f"trained {name} on {counted(report.learnt, 'label')} ({backbone}); it is promoted"
        )
    elif report.gate:
        console.print(f"{name} was registered before, and refused; it is promoted now ({backbone})")
    elif report.registered:
        console.print(f"registered {name}: untrained, a fresh head on {backbone}; it is promoted")
    else:
        console.print(f"{name} stays ({backbone})")
    console.print("labels: " + ", ".join(f"{k} {n}" for k, n in report.labels.items()))
    console.reasons("left out", report.unreadable)
    _show_trackers(console, report.trackers)
    if report.moved:
        console.print(
            f"near-duplicates: {report.moved} images came to the side of the split where those "
            "are that they nearly equal, for good"
        )
    console.print(f"holdout: {_holdout(report.holdout)}")
    for line in tell_evaluation(report.evaluation):
        console.print(f"  {line}")
    if report.calibration:
        console.print(f"calibration: {tell_calibration(report.calibration)}")
    if report.gate:
        console.print(f"gate: {report.gate.why}")
    if "accuracy" in report.cross_validation:
        figures = report.cross_validation
        console.print(f"cross-validation: accuracy {figures['accuracy']:.3f}")
    if report.finetune:
        console.print(f"fine-tuning: {_finetuning(report.finetune)}")
    news = _news(report)
    if report.trained or report.gate:
        console.next("annoloop infer --batch FOLDER", "or refresh all: annoloop infer --rerun")
    elif news:
        console.print(f"since then: {news}")
        console.next("annoloop train --rerun")
    elif report.examples:
        console.print("nothing new to learn from")
        console.next(f"annoloop dataset launch {quote(report.dataset)}")
    else:
        console.next("annoloop infer --batch FOLDER")


def _show_refused(console: Console, report: "TrainReport") -> None:
    assert report.gate
    done = "registered" if report.registered else "was registered before"
    console.print(f"{report.refused} {done}, and refused; {report.model_version} stays in force")
    console.print(f"gate: {report.gate.why}")
    console.reasons("left out", report.unreadable)
    if news := _news(report):
        console.print(f"since {report.model_version}: {news}")
    console.next("annoloop dataset review", "looks for wrong labels")
    console.next(f"annoloop model show {report.refused}", "its figures")
    number = report.refused.partition("-")[0]
    console.next(f"annoloop model promote {number}", "or: annoloop train --rerun --gate off")


def tell_evaluation(evaluation: "Evaluation | None") -> list[str]:
    """The figures of the holdout beside accuracy, a line each; none with too few images."""
    if evaluation is None or evaluation.accuracy.value is None:
        return []
    return [
        f"balanced accuracy {estimate(evaluation.balanced_accuracy)}",
        f"log loss {estimate(evaluation.log_loss)}",
        f"calibration error (ECE) {estimate(evaluation.ece)}",
    ]


def tell_calibration(told: "Mapping[str, float]") -> str:
    """What the temperature changes, out of fold."""
    return (
        f"temperature {told['temperature']:.2f} from {told['n']} images; of others, ECE "
        f"{told['ece_before']:.3f} -> {told['ece_after']:.3f}, log loss "
        f"{told['log_loss_before']:.3f} -> {told['log_loss_after']:.3f}"
    )


def estimate(figure: "Estimate", digits: int = 3) -> str:
    """A figure with its interval, for people."""
    if figure.value is None or figure.low is None or figure.high is None:
        return "-"
    value, low, high = (f"{x:.{digits}f}" for x in (figure.value, figure.low, figure.high))
    return f"{value} ({low} to {high})"


def _show_trackers(console: Console, trackers: "Mapping[str, str]") -> None:
    for tracker, failed in trackers.items():
        if failed:
            console.print(f"warning: {tracker} did not get the figures: {failed}")
        else:
            console.print(f"figures sent to {tracker}")


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
    from annolooop.model.heads.metrics import MIN_HOLDOUT

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
