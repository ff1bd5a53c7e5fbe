"""A network while it is fine-tuned: one epoch at a time, validated after each.

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
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from annolooop.domain.progress import Track
from annolooop.model.backbones.classifier import Backbone, build_backbone
from annolooop.model.backbones.pipeline import decode_batches
from annolooop.model.backbones.stages import last_stage
from annolooop.model.heads.fit import Targets
from annolooop.model.heads.head import Head
from annolooop.model.machine import cores

MAX_POSITIVE = 10.0  # highest weight of a rare label, where an image has any number of them

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
    rates: tuple[float, float, float] = (2e-4, 1e-4, 3e-5)
    decay: float = 1e-2


@dataclass(frozen=True)
class FinetuningData:
    """Images and labels to fine-tune on; the order does not matter.

    Attributes:
        names: n distinct names, for example content hashes.
        targets: (n, k) bool, which labels each has.
        multiple: an image has any number of labels; else exactly one.
        validation: (n,) bool, the images that only decide when to stop; some, but not all.
        read: name to the bytes of an image; it is called from several threads.
    """

    names: Sequence[str]
    targets: Targets
    multiple: bool
    validation: NDArray[np.bool_]
    read: Callable[[str], bytes]


class FineTuner:
    """A network during fine-tuning: its optimiser, and how good it was after each epoch."""

    def __init__(
        self, backbone: Backbone, probe: Head, data: FinetuningData, recipe: Recipe
    ) -> None:
        self._backbone, self._probe, self._data, self._recipe = backbone, probe, data, recipe
        self._device = backbone.device
        torch.set_num_threads(cores())
        linear = nn.Linear(probe.weight.shape[1], probe.weight.shape[0])
        linear.load_state_dict(
            {"weight": torch.from_numpy(probe.weight), "bias": torch.from_numpy(probe.bias)}
        )
        self._network = nn.Sequential(copy.deepcopy(backbone.module), linear).to(self._device)
        self._optimizer = torch.optim.AdamW(
            _trainable(self._network, recipe), weight_decay=recipe.decay
        )
        self._half = _half_precision(self._device)
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=self._half == torch.float16)
        targets = torch.from_numpy(data.targets.astype(np.float32))
        self._targets = dict(zip(data.names, targets, strict=True))
        pairs = sorted(zip(data.names, data.validation.tolist(), strict=True))
        self._trained = [name for name, held in pairs if not held]
        self._held = [name for name, held in pairs if held]
        train_targets = data.targets[~data.validation]
        self._weights = _label_weights(train_targets, data.multiple).to(self._device)
        self._best: State = {}
        self.losses: list[float] = []

    @property
    def epoch(self) -> int:
        """Epochs that were done and judged; -1 when not even the probe was judged."""
        return len(self.losses) - 1

    @property
    def best_epoch(self) -> int:
        """The earliest one of the lowest loss; what is not a number is never lowest."""
        return min(
            range(len(self.losses)), key=lambda i: (math.isnan(self.losses[i]), self.losses[i])
        )

    def train_epoch(self, track: Track) -> None:
        """One epoch over the images that are not for validation."""
        recipe, epoch = self._recipe, self.epoch + 1
        order = sorted(self._trained, key=lambda name: draw(recipe.seed, epoch, "order", name))
        steps = math.ceil(len(order) / recipe.batch_size)
        transform, read = self._backbone.transform, self._data.read

        def decode(name: str) -> torch.Tensor:
            return transform.augment(read(name), draw(recipe.seed, epoch, "pixels", name))

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
    def validate(self) -> None:
        """Add the validation loss, and keep the weights if it is the lowest so far."""
        transform, read = self._backbone.transform, self._data.read
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
        if self._data.multiple:
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
        built = build_backbone(
            info.name,
            info.weights,
            state,
            transform,
            self._device.type,
            precision=self._backbone.precision,
        )
        return replace(
            built, info=replace(built.info, base=info.fingerprint, tuned=self._recipe.mode)
        )

    def head(self) -> Head:
        """The head of the best epoch."""
        weight, bias = self._best["1.weight"].numpy(), self._best["1.bias"].numpy()
        return replace(self._probe, weight=weight, bias=bias)


def _trainable(network: nn.Sequential, recipe: Recipe) -> list[dict[str, Any]]:
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


def draw(*parts: object) -> int:
    """A number of 63 bits that follows from the parts."""
    digest = hashlib.sha256(" ".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
