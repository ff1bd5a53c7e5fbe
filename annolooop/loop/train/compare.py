"""Whether fine-tuning pays: a head alone against a fine-tuned backbone, on the same holdout."""

import time
from dataclasses import dataclass

from annolooop.domain.examples import Holdout
from annolooop.domain.progress import Track, left_out
from annolooop.domain.versions import Finetuning
from annolooop.loop.labels.project import find_project
from annolooop.loop.labels.pull import pull
from annolooop.loop.train.learn import gather, learn_from
from annolooop.loop.train.train import find_examples
from annolooop.loop.train.training_set import Learnt
from annolooop.loop.versions.predict import require_promoted
from annolooop.model.heads.metrics import MIN_HOLDOUT
from annolooop.model.judging.paired import LEVEL, fewest_differing, mcnemar
from annolooop.stack import Stack


@dataclass(frozen=True)
class CompareReport:
    """A head alone against a fine-tuned backbone, on the same holdout.

    Attributes:
        mode: what is fine-tuned: ``layer4`` or ``all``.
        examples: that both learnt from.
        head, tuned: accuracies of the two.
        only_head, only_tuned: images of the holdout that one of the two alone gets right.
        p_value: of the exact McNemar test; ``None`` with too small a holdout.
        verdict: what the figures allow to say.
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
    """Learn from the same examples both ways; register and promote nothing.

    Fine-tuned is what ``train.finetune`` says, and the last stage if that is ``head``.

    Raises:
        DataError: there is no model yet, or there are too few labels.
        UnreachableError: Label Studio, the store or the hub of the weights fails.
    """
    begun = time.monotonic()
    version = require_promoted(stack)
    project = find_project(stack, stack.config.dataset.name)
    last = stack.snapshots.latest()
    snapshot = pull(stack.studio, project, last)
    examples, unfit = find_examples(stack, snapshot)
    usable = [example for example in examples if example.sha256 not in unfit]
    material = gather(stack, version, usable, True, track)
    pulled = time.monotonic()
    head = learn_from(stack, material, "head", track)
    fitted = time.monotonic()
    wanted = stack.config.train.finetune
    mode = "layer4" if wanted == "head" else wanted
    tuned = learn_from(stack, material, mode, track)
    if tuned.checkpoint:
        tuned.checkpoint.unlink(missing_ok=True)
    told = Finetuning(**tuned.metrics["finetune"])
    only_head, only_tuned = _differing(head, tuned), _differing(tuned, head)
    keys = {a.sha256: a.key for a in snapshot.annotations}
    lost = sorted({**unfit, **material.unreadable}.items())
    enough = len(material.held) >= MIN_HOLDOUT
    p_value = mcnemar(only_head, only_tuned) if enough and told.best_epoch else None
    verdict, better = _judge(told, len(material.held), only_head, only_tuned, p_value)
    return CompareReport(
        dataset=project.title,
        mode=mode,
        examples=len(material.learn),
        head=Holdout(**head.metrics["holdout"]),
        tuned=Holdout(**tuned.metrics["holdout"]),
        only_head=only_head,
        only_tuned=only_tuned,
        p_value=p_value,
        verdict=verdict,
        advice=f"train.finetune: {mode if better else 'head'}",
        finetune=told,
        unreadable=left_out((keys[sha256], reason) for sha256, reason in lost),
        seconds={
            "pull": round(pulled - begun, 3),
            "head": round(fitted - pulled, 3),
            "tuned": round(time.monotonic() - fitted, 3),
        },
    )


def _differing(first: Learnt, second: Learnt) -> int:
    return int((first.right & ~second.right).sum())


def _judge(
    told: Finetuning, held: int, only_head: int, only_tuned: int, p_value: float | None
) -> tuple[str, bool]:
    """What the figures allow to say, and whether fine-tuning is worth its time."""
    if not told.epochs:
        return (
            f"There are too few labels to fine-tune: {told.validation} of {told.examples} would "
            "tell when to stop.",
            False,
        )
    if not told.best_epoch:
        return (
            "No epoch of fine-tuning was better than the head alone on the validation images, so "
            "both are the same model.",
            False,
        )
    if p_value is None:
        return (
            f"The holdout has {held} labelled images, too few to tell ({MIN_HOLDOUT} are needed).",
            False,
        )
    differing = only_head + only_tuned
    if differing < fewest_differing():
        return (
            f"The two differ on {differing} images of the holdout, too few to tell: label more.",
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
