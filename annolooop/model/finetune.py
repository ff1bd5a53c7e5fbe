"""Fine-tuning: the backbone learns too, after a head was fitted on it (LP-FT).

Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution": from a random head, the first steps spoil good features; from a fitted one
they need not. So the caller fits a head first: the *probe*, which is epoch 0 here.

The whole network stays in eval mode while it learns. With batches of a few images the statistics
of BatchNorm would be noise, and not those that embeddings are computed with afterwards; its scales
and shifts do learn. Dropout and stochastic depth are off by that as well, so nothing in a forward
pass is drawn at random. What is drawn, the order and the augmentation, follows from seed, epoch
and name alone: no state of a generator has to be kept to go on from a checkpoint.
"""

import copy
import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from annolooop.model.checkpoint import load_checkpoint, save_checkpoint
from annolooop.model.classifier import Backbone, build_backbone
from annolooop.model.head import Head
from annolooop.model.pipeline import decode_batches
from annolooop.model.stages import last_stage
from annolooop.records import Track

VALIDATION = 0.2  # share of the examples that only tell when to stop
MIN_VALIDATION = 10  # with fewer, when to stop would be chance
MAX_POSITIVE = 10.0  # highest weight of a rare label, where an image has any number of them

Targets = NDArray[np.float32]
State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune.

    Attributes:
        mode: what learns beside the head: ``layer4``, the last stage, or ``all``.
        seed: of the order and the augmentation.
        epochs: at most; the learning rates fall to 0 over as many.
        batch_size: images in one step.
        patience: epochs in a row without a lower validation loss after which it ends.
        warm_up: share of the steps in which the learning rates rise.
        rates: highest learning rates of the head, the last stage, and earlier stages.
        decay: weight decay.
    """

    mode: str
    seed: int
    epochs: int = 10
    batch_size: int = 16
    patience: int = 3
    warm_up: float = 0.1
    rates: tuple[float, float, float] = (3e-4, 1e-4, 3e-5)
    decay: float = 1e-2


@dataclass(frozen=True)
class Lesson:
    """What to learn from; the order does not matter.

    Attributes:
        names: n distinct names, for example content hashes.
        targets: (n, k) float32 of zeros and ones.
        multiple: an image has any number of labels; else exactly one.
        validation: (n,) bool, the images that only tell when to stop; not all, not none.
        read: name to the bytes of an image; it is called from several threads.
    """

    names: Sequence[str]
    targets: Targets
    multiple: bool
    validation: NDArray[np.bool_]
    read: Callable[[str], bytes]


@dataclass(frozen=True)
class Tuned:
    """What came of it.

    Attributes:
        backbone: as it was in the best epoch; the given one if that is 0.
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
    """Which examples only tell when to stop, (n,) bool: by a hash of seed and name.

    Where each image has one label, every label gives its share, so that rare ones are judged
    too. The only image of a label is learnt from.
    """
    groups: dict[bytes, list[int]] = {}
    for i in sorted(range(len(names)), key=lambda i: _draw(seed, "validation", names[i])):
        groups.setdefault(b"" if multiple else targets[i].tobytes(), []).append(i)
    chosen = np.zeros(len(names), bool)
    for members in groups.values():
        if len(members) > 1:
            chosen[members[: max(1, round(VALIDATION * len(members)))]] = True
    return chosen


def finetune(
    backbone: Backbone, probe: Head, lesson: Lesson, recipe: Recipe, folder: Path, track: Track
) -> Tuned:
    """Fine-tune a copy of the backbone together with a head, and keep the best epoch.

    The same arguments give the same weights on the same machine. After each epoch everything
    that is needed to go on is kept in a file; a run that finds the file of its own arguments goes
    on from there, and ends as if nothing had happened.

    Args:
        backbone: where it starts.
        probe: head that was fitted on the images that are not for validation.
        lesson: what to learn from.
        recipe: how.
        folder: for the checkpoint alone: those of other arguments that lie in it are removed.
        track: shows the batches of each epoch.

    Raises:
        Unreadable: an image cannot be decoded.
    """
    run = _Run(backbone, probe, lesson, recipe)
    file = folder / f"{_key(backbone, probe, lesson, recipe)}.pt"
    kept = load_checkpoint(file)
    if kept:
        run.restore(kept)
    else:
        run.judge()
    resumed_from = run.epoch
    while run.epoch < recipe.epochs and run.epoch - run.best_epoch < recipe.patience:
        run.learn(track)
        run.judge()
        save_checkpoint(file, run.state())
    return Tuned(
        backbone=run.tuned() if run.best_epoch else backbone,
        head=run.head() if run.best_epoch else probe,
        losses=tuple(run.losses),
        best_epoch=run.best_epoch,
        stopped_early=run.epoch < recipe.epochs,
        resumed_from=resumed_from,
        checkpoint=file,
    )


class _Run:
    """A network while it learns: its optimiser, and how good it was after each epoch."""

    def __init__(self, backbone: Backbone, probe: Head, lesson: Lesson, recipe: Recipe) -> None:
        self._backbone, self._probe, self._lesson, self._recipe = backbone, probe, lesson, recipe
        self._device = backbone.device
        linear = nn.Linear(probe.weight.shape[1], probe.weight.shape[0])
        linear.load_state_dict(
            {"weight": torch.from_numpy(probe.weight), "bias": torch.from_numpy(probe.bias)}
        )
        self._network = nn.Sequential(copy.deepcopy(backbone.module), linear).to(self._device)
        self._optimizer = torch.optim.AdamW(
            _learning(self._network, recipe), weight_decay=recipe.decay
        )
        self._half = _half_precision(self._device)
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=self._half == torch.float16)
        self._targets = dict(zip(lesson.names, torch.from_numpy(lesson.targets), strict=True))
        pairs = sorted(zip(lesson.names, lesson.validation.tolist(), strict=True))
        self._learnt = [name for name, held in pairs if not held]
        self._held = [name for name, held in pairs if held]
        learnt = lesson.targets[~lesson.validation]
        self._weights = _label_weights(learnt, lesson.multiple).to(self._device)
        self._best: State = {}
        self.losses: list[float] = []

    @property
    def epoch(self) -> int:
        """Epochs that were learnt and judged; -1 when not even the probe was judged."""
        return len(self.losses) - 1

    @property
    def best_epoch(self) -> int:
        """The earliest one of the lowest loss; what is not a number is never lowest."""
        return min(
            range(len(self.losses)), key=lambda i: (math.isnan(self.losses[i]), self.losses[i])
        )

    def learn(self, track: Track) -> None:
        """One epoch over the images that are not for validation."""
        recipe, epoch = self._recipe, self.epoch + 1
        order = sorted(self._learnt, key=lambda name: _draw(recipe.seed, epoch, "order", name))
        steps = math.ceil(len(order) / recipe.batch_size)
        transform, read = self._backbone.transform, self._lesson.read

        def decode(name: str) -> torch.Tensor:
            return transform.augment(read(name), _draw(recipe.seed, epoch, "pixels", name))

        batches = track(
            decode_batches(order, decode, recipe.batch_size),
            f"fine-tune {epoch}/{recipe.epochs}",
            steps,
        )
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            for step, (names, pixels) in enumerate(batches, start=(epoch - 1) * steps):
                factor = _schedule(step, recipe.epochs * steps, recipe.warm_up)
                for group in self._optimizer.param_groups:
                    group["lr"] = group["highest"] * factor
                self._optimizer.zero_grad()
                loss = self._loss(names, pixels, "mean")
                self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
                self._scaler.step(self._optimizer)
                self._scaler.update()

    @torch.no_grad()
    def judge(self) -> None:
        """Note the validation loss, and keep the weights if it is the lowest so far."""
        transform, read = self._backbone.transform, self._lesson.read
        batches = decode_batches(
            self._held, lambda name: transform.decode(read(name)), self._recipe.batch_size
        )
        total = sum(float(self._loss(names, pixels, "sum")) for names, pixels in batches)
        self.losses.append(total / len(self._held))
        if self.epoch and self.best_epoch == self.epoch:
            self._best = {k: v.cpu().clone() for k, v in self._network.state_dict().items()}

    def _loss(self, names: Sequence[str], pixels: torch.Tensor, reduction: str) -> torch.Tensor:
        batch = self._backbone.transform.normalise(pixels.to(self._device))
        batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, self._half, enabled=self._half is not None):
            logits = self._network(batch).float()
        targets = torch.stack([self._targets[name] for name in names]).to(self._device)
        if self._lesson.multiple:
            losses = F.binary_cross_entropy_with_logits(
                logits, targets, pos_weight=self._weights, reduction="none"
            ).sum(dim=1)
        else:
            losses = F.cross_entropy(logits, targets, self._weights, reduction="none")
        return losses.mean() if reduction == "mean" else losses.sum()

    def state(self) -> dict[str, Any]:
        """All that is needed to go on."""
        return {
            "losses": self.losses,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "best": self._best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.losses = list(state["losses"])
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        self._best = state["best"]

    def tuned(self) -> Backbone:
        """A backbone with the weights of the best epoch."""
        info, transform = self._backbone.info, self._backbone.transform
        state = {k[2:]: v for k, v in self._best.items() if k.startswith("0.")}
        built = build_backbone(info.name, info.weights, state, transform, self._device.type)
        return replace(
            built, info=replace(built.info, base=info.fingerprint, tuned=self._recipe.mode)
        )

    def head(self) -> Head:
        """The head of the best epoch."""
        weight, bias = self._best["1.weight"].numpy(), self._best["1.bias"].numpy()
        return replace(self._probe, weight=weight, bias=bias)


def _learning(network: nn.Sequential, recipe: Recipe) -> list[dict[str, Any]]:
    """What learns, in groups with their learning rates; the rest is left frozen."""
    body, linear = network
    last = last_stage(body)
    ids = {id(p) for p in last}
    earlier = [p for p in body.parameters() if id(p) not in ids] if recipe.mode == "all" else []
    groups = [list(linear.parameters()), last, earlier]
    for group in groups:
        for parameter in group:
            parameter.requires_grad_(True)
    return [
        {"params": group, "highest": rate}
        for group, rate in zip(groups, recipe.rates, strict=True)
        if group
    ]


def _schedule(step: int, steps: int, warm_up: float) -> float:
    """Share of the highest learning rate: a line up, then half a cosine down to 0."""
    rising = warm_up * steps
    if step + 1 < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, steps - rising)))


def _label_weights(targets: Targets, multiple: bool) -> torch.Tensor:
    """(k,) weights, so that a rare label counts as much as a common one; 0 for absent ones.

    With several labels an image: what its presence weighs against its absence, within bounds.
    """
    present = targets.sum(axis=0)
    if multiple:
        weights = (len(targets) - present) / np.maximum(present, 1)
        weights = np.clip(weights, 1 / MAX_POSITIVE, MAX_POSITIVE)
    else:
        weights = len(targets) / (np.maximum(present, 1) * max(1, np.count_nonzero(present)))
        weights[present == 0] = 0
    return torch.from_numpy(weights.astype(np.float32))


def _half_precision(device: torch.device) -> torch.dtype | None:
    """What to compute forward passes in; ``None`` where float32 is best."""
    if device.type != "cuda":
        return None
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


def _draw(*parts: object) -> int:
    """A number of 63 bits that follows from the parts."""
    digest = hashlib.sha256(" ".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _key(backbone: Backbone, probe: Head, lesson: Lesson, recipe: Recipe) -> str:
    """Hash of everything that shapes the result."""
    held, targets = lesson.validation.tolist(), lesson.targets.tolist()
    rows = sorted(zip(lesson.names, held, targets, strict=True))
    told = (backbone.info, backbone.device.type, torch.__version__, recipe, lesson.multiple, rows)
    return hashlib.sha256(repr(told).encode() + probe.to_bytes()).hexdigest()[:24]
