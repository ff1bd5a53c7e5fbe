"""Whether fine-tuning pays: a head alone against a fine-tuned backbone, on the same holdout."""

import time
from dataclasses import dataclass

from annolooop.domain.progress import Track, left_out
from annolooop.domain.versions import Finetuning, Holdout
from annolooop.loop.labels.project import find_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.labels.why_none import nothing_labelled
from annolooop.loop.train.changes import find_examples
from annolooop.loop.train.fit_result import FitResult
from annolooop.loop.train.learn import learn
from annolooop.loop.train.training_set import build_training_set
from annolooop.loop.versions.predict import require_current
from annolooop.model.heads.metrics import MIN_HOLDOUT
from annolooop.model.judging.paired import LEVEL, fewest_differing, mcnemar
from annolooop.stack import Stack


@dataclass(frozen=True)
class CompareReport:
    """A head alone against a fine-tuned backbone, on the same holdout.

    Attributes:
        mode: what is fine-tuned: ``layer4`` or ``all``.
        examples: that both were trained on.
        head, tuned: accuracies of the two.
        only_head, only_tuned: images of the holdout that one of the two alone predicts
            correctly.
        p_value: of the exact McNemar test; ``None`` with too small a holdout.
        verdict: what follows from the figures, in words.
        advice: the setting that follows from it.
    """

    dataset: str
    mode: str
    examples: int
    head: Holdout
    tuned: Holdout
    only_head: int
    only_tuned: int
    p_value: float | None
    verdict: str
    advice: str
    finetune: Finetuning
    unreadable: tuple[dict[str, str], ...]
    seconds: dict[str, float]


def compare(stack: Stack, track: Track) -> CompareReport:
    """Train on the same examples both ways; no version is written.

    ``train.finetune`` says what is fine-tuned; if that is ``head``, it is the last stage.

    Raises:
        DataError: there is no model yet, or there are too few labels.
        UnreachableError: Label Studio, the store or the hub of the weights fails.
    """
    begun = time.monotonic()
    version = require_current(stack)
    project = find_project(stack, stack.config.dataset.name)
    snapshot = pull(stack.studio, project, stack.snapshots.latest())
    found = find_examples(stack, snapshot)
    if not found.examples:
        dataset = stack.config.dataset
        raise nothing_labelled(dataset.name, snapshot.annotations, dataset.choice, found)
    training_set = build_training_set(stack, version, found.examples, True, track)
    pulled = time.monotonic()
    head = learn(stack, training_set, "head", track)
    fitted = time.monotonic()
    configured = stack.config.train.finetune
    mode = "layer4" if configured == "head" else configured
    tuned = learn(stack, training_set, mode, track)
    if tuned.checkpoint:
        tuned.checkpoint.unlink(missing_ok=True)
    finetuning = Finetuning(**tuned.metrics["finetune"])
    only_head, only_tuned = _differing(head, tuned), _differing(tuned, head)
    keys = {a.sha256: a.key for a in snapshot.annotations}
    lost = sorted({**found.left_out, **training_set.skipped}.items())
    enough = len(training_set.holdout) >= MIN_HOLDOUT
    p_value = mcnemar(only_head, only_tuned) if enough and finetuning.best_epoch else None
    verdict, better = judge_finetuning(
        finetuning, len(training_set.holdout), only_head, only_tuned, p_value
    )
    return CompareReport(
        dataset=project.title,
        mode=mode,
        examples=len(training_set.train),
        head=Holdout(**head.metrics["holdout"]),
        tuned=Holdout(**tuned.metrics["holdout"]),
        only_head=only_head,
        only_tuned=only_tuned,
        p_value=p_value,
        verdict=verdict,
        advice=f"train.finetune: {mode if better else 'head'}",
        finetune=finetuning,
        unreadable=left_out((keys[sha256], reason) for sha256, reason in lost),
        seconds={
            "pull": round(pulled - begun, 3),
            "head": round(fitted - pulled, 3),
            "tuned": round(time.monotonic() - fitted, 3),
        },
    )


def _differing(first: FitResult, second: FitResult) -> int:
    return int((first.correct & ~second.correct).sum())


def judge_finetuning(
    finetuning: Finetuning, held: int, only_head: int, only_tuned: int, p_value: float | None
) -> tuple[str, bool]:
    """What follows from the figures, and whether fine-tuning pays."""
    if not finetuning.epochs:
        return (
            f"There are too few labels to fine-tune: {finetuning.validation} of "
            f"{finetuning.examples} would decide when to stop.",
            False,
        )
    if not finetuning.best_epoch:
        return (
            "No epoch of fine-tuning was better than the head alone on the validation images, so "
            "both are the same model.",
            False,
        )
    if p_value is None:
        return (
            f"The holdout has {held} labelled images, too few to decide: {MIN_HOLDOUT} are needed.",
            False,
        )
    differing = only_head + only_tuned
    if differing < fewest_differing():
        return (
            f"The two differ on {differing} images of the holdout, too few to decide: label more.",
            False,
        )
    if p_value > LEVEL:
        return (
            f"The difference may be chance (p = {p_value:.2g}), and a head alone is cheaper.",
            False,
        )
    better = "Fine-tuning" if only_tuned > only_head else "The head alone"
    return (
        f"{better} is better on this holdout, by more than chance explains (p = {p_value:.2g}).",
        only_tuned > only_head,
    )
