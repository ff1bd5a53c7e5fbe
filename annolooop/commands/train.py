"""`annoloop train`: the first model version, and the next ones."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from annolooop.commands.wording import describe_headline, estimate
from annolooop.console.console import Console
from annolooop.errors import counted
from annolooop.loop.rounds.next_step import next_step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from annolooop.domain.versions import BackboneInfo, Evaluation, Finetuning, Holdout
    from annolooop.loop.train.compare import CompareReport
    from annolooop.loop.train.train import TrainReport


def train(
    console: Console,
    rerun: Annotated[
        bool,
        typer.Option(
            "--rerun",
            help="Make the next model version from the annotations so far. (`infer --rerun` "
            "predicts with it.)",
        ),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Only measure whether fine-tuning the backbone helps."),
    ] = False,
    gate: Annotated[
        Literal["strict", "lenient", "off"] | None,
        typer.Option(
            "--gate",
            help="With --rerun: how strictly a worse version is refused (exit code 6); default: "
            "train.gate.",
        ),
    ] = None,
) -> "TrainReport | CompareReport":
    """Make the first model version, or learn from annotations.

    Examples:
      annoloop train               # the first version, untrained
      annoloop train --rerun       # learn from what people annotated
      annoloop train --compare     # would fine-tuning the backbone be better?

    Without --rerun, a model that exists is left as it is. With it, nothing is made either if no
    label changed.
    """
    from annolooop.errors import UsageError
    from annolooop.stack import open_stack

    if gate and not rerun:
        raise UsageError("--gate needs --rerun", f"annoloop train --rerun --gate {gate}")
    if compare:
        from annolooop.loop.train.compare import compare as compare_modes

        if rerun:
            raise UsageError(
                "--compare makes no version, --rerun makes one", "Leave out one of the two."
            )
        return compare_modes(open_stack(console), console.track)
    from annolooop.loop.train.train import train

    return train(open_stack(console), rerun, console.track, gate)


def print_train(console: Console, report: "TrainReport | CompareReport") -> None:
    """Print what was learnt, what there is to learn, or which mode is better."""
    from annolooop.loop.train.compare import CompareReport

    if isinstance(report, CompareReport):
        _print_comparison(console, report)
    elif report.refused:
        _print_refused(console, report)
    else:
        _print_version(console, report)


def _print_version(console: Console, report: "TrainReport") -> None:
    name = report.model_version
    backbone = describe_backbone(report.backbone)
    if report.trained:
        console.print(
            f"trained {name} on {counted(report.learnt, 'label')} ({backbone}); it is current"
        )
    elif report.gate:
        console.print(f"{name} was refused before; it is current now ({backbone})")
    elif report.registered:
        console.print(f"registered {name}: an untrained head on {backbone}; it is current")
    else:
        console.print(f"{name} stays current ({backbone})")
    console.print("labels: " + ", ".join(f"{k} {n}" for k, n in report.labels.items()))
    console.reasons("left out", report.unreadable)
    _print_no_labels(console, report)
    _print_trackers(console, report.trackers)
    if report.moved:
        console.print(
            f"near-duplicates: {counted(report.moved, 'image')} moved, for good, to the part of "
            "the split where their near-duplicates are"
        )
    _print_figures(console, report)
    if not (report.trained or report.gate):
        if news := describe_news(report):
            console.print(f"since then: {news}")
            if report.waiting:
                console.print(f"{report.waiting}, which learnt them, was refused")
        elif report.examples:
            console.print("no label changed since")
    console.next(*next_step(report.state))


def _print_no_labels(console: Console, report: "TrainReport") -> None:
    """What people answered that is nothing to learn from."""
    if report.other_answers:
        console.print(
            f"not learnt from: {counted(report.other_answers, 'image')} with another answer"
        )
    if report.empty:
        console.print(
            f"not learnt from: {counted(report.empty, 'task')} with an answer that says nothing"
        )
        console.next("annoloop sync", "to make a tab of the tasks to answer again")
    for line in report.advice:
        console.say(line)


def _print_figures(console: Console, report: "TrainReport") -> None:
    from annolooop.loop.versions.headline import shows_calibration

    if report.headline and report.headline.early:
        console.print(describe_headline(report.headline))
        console.print(f"holdout: {_too_small(report.holdout.n)}")
    else:
        console.print(f"holdout: {_holdout(report.holdout)}")
        for line in evaluation_lines(report.evaluation):
            console.print(f"  {line}")
    if report.calibration and shows_calibration(report.calibration["n"]):
        console.print(f"calibration: {describe_calibration(report.calibration)}")
    if report.gate:
        console.print(f"gate: {report.gate.why}")
    if "accuracy" in report.cross_validation and not (report.headline and report.headline.early):
        console.print(f"cross-validation: accuracy {report.cross_validation['accuracy']:.3f}")
    if report.finetune:
        console.print(f"fine-tuning: {_finetuning(report.finetune)}")


def describe_quality(report: "TrainReport") -> str:
    """How good the current version is, in one line."""
    return describe_headline(report.headline) if report.headline else _holdout(report.holdout)


def _print_refused(console: Console, report: "TrainReport") -> None:
    assert report.gate
    done = "was made and refused" if report.registered else "was refused before"
    console.print(f"{report.refused} {done}; {report.model_version} stays current")
    console.print(f"gate: {report.gate.why}")
    console.reasons("left out", report.unreadable)
    if news := describe_news(report):
        console.print(f"since {report.model_version}: {news}")
    console.next(*next_step(report.state))


def evaluation_lines(evaluation: "Evaluation | None") -> list[str]:
    """The figures of the holdout besides accuracy, a line each; none with too few images."""
    if evaluation is None or evaluation.accuracy.value is None:
        return []
    from annolooop.loop.versions.headline import shows_calibration

    lines = [
        f"balanced accuracy {estimate(evaluation.balanced_accuracy)}",
        f"log loss {estimate(evaluation.log_loss)}",
    ]
    if shows_calibration(evaluation.n):
        lines.append(f"calibration error (ECE) {estimate(evaluation.ece)}")
    return lines


def describe_calibration(figures: "Mapping[str, float]") -> str:
    """What the temperature changes, measured out of fold."""
    return (
        f"temperature {figures['temperature']:.2f} from {figures['n']} images; on others, ECE "
        f"{figures['ece_before']:.3f} -> {figures['ece_after']:.3f}, log loss "
        f"{figures['log_loss_before']:.3f} -> {figures['log_loss_after']:.3f}"
    )


def describe_backbone(info: "BackboneInfo") -> str:
    """A backbone, its weights, and what of it was fine-tuned."""
    tuned = {"layer4": ", last stage fine-tuned", "all": ", fine-tuned"}.get(info.tuned, "")
    return f"{info.name}, weights {info.weights}{tuned}"


def _print_trackers(console: Console, trackers: "Mapping[str, str]") -> None:
    for tracker, failure in trackers.items():
        if failure:
            console.print(f"warning: the figures were not sent to {tracker}: {failure}")
        else:
            console.print(f"figures sent to {tracker}")


def _print_comparison(console: Console, report: "CompareReport") -> None:
    console.print(f"fitted on {counted(report.examples, 'label')}; no version was made")
    console.reasons("left out", report.unreadable)
    console.print(f"head    holdout: {_holdout(report.head)}")
    console.print(f"{report.mode:<7} holdout: {_holdout(report.tuned)}")
    console.print(f"fine-tuning: {_finetuning(report.finetune)}")
    if report.p_value is not None:
        console.print(
            f"correct in one of the two only: head {report.only_head}, {report.mode} "
            f"{report.only_tuned}; exact McNemar test: p = {report.p_value:.3g}"
        )
    console.print(report.verdict)
    console.print(f"so set: {report.advice}")


def _finetuning(figures: "Finetuning") -> str:
    if figures.loss_before is None or figures.loss_after is None:
        return (
            f"not done: {figures.validation} of {counted(figures.examples, 'label')} outside of "
            "the holdout would decide when to stop, too few; the backbone stays as it was"
        )
    epochs = counted(figures.epochs, "epoch")
    if figures.resumed_from:
        epochs += f" (resumed after {figures.resumed_from})"
    if figures.stopped_early:
        epochs += ", stopped early"
    if not figures.best_epoch:
        return f"{epochs}; none was better than the head alone, so the backbone stays as it was"
    return (
        f"{epochs}; epoch {figures.best_epoch} is kept: validation loss {figures.loss_before:.3f} "
        f"-> {figures.loss_after:.3f} on {counted(figures.validation, 'image')}"
    )


def _too_small(images: int) -> str:
    from annolooop.loop.versions.headline import HOLDOUT_TELLS

    return f"{counted(images, 'labelled image')}; from {HOLDOUT_TELLS} on, its figures are shown"


def _holdout(holdout: "Holdout") -> str:
    from annolooop.model.heads.metrics import MIN_HOLDOUT

    if holdout.accuracy is None:
        return f"{counted(holdout.n, 'labelled image')}, too few: {MIN_HOLDOUT} are needed"
    return (
        f"accuracy {holdout.accuracy:.3f} on {counted(holdout.n, 'image')} "
        f"(95 %: {holdout.low:.3f} to {holdout.high:.3f})"
    )


def describe_news(report: "TrainReport", noun: str = " labels") -> str:
    """How many labels are new, corrected or removed; empty where none is."""
    counts = {
        "new": report.new_labels,
        "corrected": report.changed_labels,
        "removed": report.removed_labels,
    }
    return ", ".join(f"{n} {change}{noun}" for change, n in counts.items() if n)
