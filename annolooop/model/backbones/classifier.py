"""Backbones: torchvision classifiers without their last linear layer, which our head replaces."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import nn

from annolooop.domain.versions import BackboneInfo, fingerprint_of
from annolooop.errors import ConfigError, DataError, did_you_mean
from annolooop.model.backbones.precision import DTYPES, pick_precision
from annolooop.model.backbones.rounding import generated_images, inference_copy
from annolooop.model.backbones.transforms import EvalTransform
from annolooop.model.machine import cores


@dataclass(frozen=True)
class Backbone:
    """A frozen network from pixels to embeddings.

    Attributes:
        info: what it is; its fingerprint is a hash of its weights.
        module: in eval mode, on ``device``, its last layer replaced by nothing; what is kept, and
            fine-tuned.
        transform: what its input has gone through.
        precision: what it computes in: ``fp32``, ``bf16`` or ``fp16``.
    """

    info: BackboneInfo
    module: nn.Module
    transform: EvalTransform
    device: torch.device
    precision: str = "fp32"

    @cached_property
    def network(self) -> nn.Module:
        """The copy of ``module`` that computes embeddings."""
        images = self.transform.normalise(generated_images(self.transform.crop).to(self.device))
        return inference_copy(self.module, images, DTYPES[self.precision])

    def empty(self, count: int) -> torch.Tensor:
        """Room for the pixels of so many images, (n, 3, crop, crop) uint8, as the network has it.

        From there, a device reads them without a further copy.
        """
        crop = self.transform.crop
        room = torch.empty(
            (count, crop, crop, 3), dtype=torch.uint8, pin_memory=self.device.type == "cuda"
        )
        return room.permute(0, 3, 1, 2)

    @torch.inference_mode()
    def embed(self, pixels: torch.Tensor) -> NDArray[np.float32]:
        """Embeddings, (n, d) float32, of (n, 3, crop, crop) uint8 pixels."""
        batch = self.transform.normalise(pixels.to(self.device, non_blocking=True))
        embedded: torch.Tensor = self.network(batch)
        return np.asarray(embedded.float().cpu().numpy(), dtype=np.float32)

    def to_bytes(self) -> bytes:
        """The weights as a safetensors file."""
        return _serialise(self.module)


def build_backbone(
    name: str,
    weights: str,
    state: Mapping[str, torch.Tensor] | None,
    transform: EvalTransform,
    device: str = "auto",
    seed: int = 0,
    precision: str = "fp32",
) -> Backbone:
    """Build a torchvision classifier, take its last linear layer off, and load weights.

    Args:
        name: a torchvision classifier, for example ``resnet18``.
        weights: how the weights were called, for the record.
        state: state dict, with or without the head; ``None`` draws random weights.
        transform: the eval transform that belongs to the weights.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        seed: for random weights.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.

    Raises:
        ConfigError: there is no such classifier, it does not end in a linear layer, or the device
            cannot do what is asked.
        DataError: the weights are not those of this classifier.
    """
    torch.manual_seed(seed)
    module, head, dim = _without_head(name)
    if state is not None:
        _load(module, state, head, name, weights)
    module.eval().requires_grad_(False)
    fingerprint = fingerprint_of(name, _serialise(module))
    chosen = pick_device(device)
    module.to(chosen, memory_format=torch.channels_last)  # type: ignore[call-overload]
    info = BackboneInfo(name, weights, fingerprint, transform.id, dim)
    return Backbone(info, module, transform, chosen, pick_precision(precision, chosen))


def restore_backbone(
    info: BackboneInfo, data: bytes, device: str = "auto", precision: str = "fp32"
) -> Backbone:
    """The backbone of a registered model version, from its kept weights.

    Raises:
        ConfigError: the device cannot do what is asked.
    """
    state, transform = load(data), EvalTransform.parse(info.transform)
    built = build_backbone(info.name, info.weights, state, transform, device, precision=precision)
    return replace(built, info=info)


def pick_device(requested: str) -> torch.device:
    """The device to run on; ``auto`` takes the fastest there is.

    Raises:
        ConfigError: this machine has no such device.
    """
    have = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if requested == "auto":
        requested = next((name for name, there in have.items() if there), "cpu")
    if not have.get(requested, True):
        raise ConfigError(
            f"infer.device is {requested}, which this machine does not have",
            "Let it choose: --set infer.device=auto",
        )
    return torch.device(requested)


def describe_device(requested: str) -> str:
    """The device that would be used, for people.

    Raises:
        ConfigError: this machine has no such device.
    """
    device = pick_device(requested)
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"{device.type}: {cores()} threads"


def _without_head(name: str) -> tuple[nn.Module, str, int]:
    """The network with an identity for its last linear layer; that layer's name and inputs."""
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise ConfigError(
            f"model.backbone: torchvision has no classifier {name!r}{did_you_mean(name, known)}",
            "For example: --set model.backbone=resnet18",
        )
    module: nn.Module = torchvision.models.get_model(name, weights=None)
    last_name, last = list(module.named_modules())[-1]
    if not isinstance(last, nn.Linear):
        raise ConfigError(
            f"model.backbone: {name} does not end in a linear layer that could be replaced",
            "Use another one: --set model.backbone=resnet18",
        )
    parent, _, attribute = last_name.rpartition(".")
    setattr(module.get_submodule(parent), attribute, nn.Identity())
    return module, last_name, last.in_features


def _load(
    module: nn.Module, state: Mapping[str, torch.Tensor], head: str, name: str, weights: str
) -> None:
    body = {
        key.removeprefix("module."): value
        for key, value in state.items()
        if not key.removeprefix("module.").startswith(f"{head}.")
    }
    try:
        missing, unexpected = module.load_state_dict(body, strict=False)
    except RuntimeError as error:  # a shape differs
        missing, unexpected = [str(error).splitlines()[-1].strip()], []
    # Checkpoints may not have the count of batches, which plays no part in inference.
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        wrong = f"it does not have {missing[0]}" if missing else f"it has {unexpected[0]}"
        raise DataError(
            f"the weights {weights} do not fit {name}: the file {wrong}",
            "Set model.backbone to the network that they belong to.",
        )


def _serialise(module: nn.Module) -> bytes:
    return save({key: value.cpu().contiguous() for key, value in module.state_dict().items()})
