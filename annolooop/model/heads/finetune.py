"""Fine-tuning: the backbone learns too, after a head was fitted on it (LP-FT).

Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution": from a random head, the first steps spoil good features; from a fitted one
they need not. So the caller fits a head first: the *probe*, which is epoch 0 here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from annolooop.domain.progress import Track
from annolooop.model.backbones.classifier import Backbone
from annolooop.model.heads.checkpoint import load_checkpoint, save_checkpoint
from annolooop.model.heads.fine_tuner import FineTuner, FinetuningData, Recipe, draw
from annolooop.model.heads.fit import Targets
from annolooop.model.heads.head import Head

VALIDATION = 0.2  # share of the examples that only decide when to stop
MIN_VALIDATION = 10  # with fewer, when to stop would be chance


@dataclass(frozen=True)
class FinetuneResult:
    """What came of fine-tuning.

    Attributes:
        backbone: as it was in the best epoch; the one passed in if that is 0.
        head: likewise; the probe if that is 0.
        losses: validation loss of the probe and after each epoch.
        best_epoch: the one of the lowest loss; 0 is the probe.
        stopped_early: it ended before the last epoch of the recipe.
        resumed_from: epoch of the checkpoint that it went on from; 0 without one.
        checkpoint: file that a repetition would start from; the caller removes it when the
            result is safe.
    """

    backbone: Backbone
    head: Head
    losses: tuple[float, ...]
    best_epoch: int
    stopped_early: bool
    resumed_from: int
    checkpoint: Path


def split_validation(
    names: Sequence[str], targets: Targets, multiple: bool, seed: int
) -> NDArray[np.bool_]:
    """Which examples only decide when to stop, (n,) bool: by a hash of seed and name.

    Where each image has one label, every label gives its share, so that rare ones are judged
    too. The only image of a label is trained on.
    """
    groups: dict[bytes, list[int]] = {}
    for i in sorted(range(len(names)), key=lambda i: draw(seed, "validation", names[i])):
        groups.setdefault(b"" if multiple else targets[i].tobytes(), []).append(i)
    chosen = np.zeros(len(names), bool)
    for members in groups.values():
        if len(members) > 1:
            chosen[members[: max(1, round(VALIDATION * len(members)))]] = True
    return chosen


def finetune(
    backbone: Backbone,
    probe: Head,
    data: FinetuningData,
    recipe: Recipe,
    folder: Path,
    track: Track,
) -> FinetuneResult:
    """Fine-tune a copy of the backbone together with a head, and keep the best epoch.

    The same arguments give the same weights on the same machine. After each epoch everything
    that is needed to go on is kept in a file; a run that finds the file of its own arguments goes
    on from there, and ends as if nothing had happened.

    Args:
        backbone: where it starts.
        probe: head that was fitted on the images that are not for validation.
        data: images and labels.
        recipe: how.
        folder: for the checkpoint alone: those of other arguments that lie in it are removed.
        track: shows the batches of each epoch.

    Raises:
        Unreadable: an image cannot be decoded.
    """
    tuner = FineTuner(backbone, probe, data, recipe)
    file = folder / f"{_key(backbone, probe, data, recipe)}.pt"
    kept = load_checkpoint(file)
    if kept:
        tuner.restore(kept)
    else:
        tuner.validate()
    resumed_from = tuner.epoch
    while tuner.epoch < recipe.epochs and tuner.epoch - tuner.best_epoch < recipe.patience:
        tuner.train_epoch(track)
        tuner.validate()
        save_checkpoint(file, tuner.state())
    return FinetuneResult(
        backbone=tuner.tuned() if tuner.best_epoch else backbone,
        head=tuner.head() if tuner.best_epoch else probe,
        losses=tuple(tuner.losses),
        best_epoch=tuner.best_epoch,
        stopped_early=tuner.epoch < recipe.epochs,
        resumed_from=resumed_from,
        checkpoint=file,
    )


def _key(backbone: Backbone, probe: Head, data: FinetuningData, recipe: Recipe) -> str:
    """Hash of everything that shapes the result."""
    held, targets = data.validation.tolist(), data.targets.tolist()
    rows = sorted(zip(data.names, held, targets, strict=True))
    inputs = (backbone.info, backbone.device.type, torch.__version__, recipe, data.multiple, rows)
    return hashlib.sha256(repr(inputs).encode() + probe.to_bytes()).hexdigest()[:24]
