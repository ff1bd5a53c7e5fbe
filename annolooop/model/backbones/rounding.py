"""A copy of a network for the forward pass alone, in half precision where that is exact enough.

What rounding costs lies in the weights: a layer whose BatchNorm scales it up a hundredfold (there
is one in every trained MobileNetV2) turns the rounding of its weights and inputs into an error of
a tenth of the embedding. Two things keep it small, and neither depends on the images that are
embedded, so that embeddings stay comparable:

- What rounded weights add on average is taken off the bias, for which the mean of each layer's
  inputs is measured on generated images.
- The first layers, whose errors all later ones inherit, stay in float32 for as long as the
  embeddings of the generated images would be off by more than `TOLERANCE`.
"""

import copy
from typing import cast

import torch
from torch import fx, nn
from torch.fx.experimental.optimization import fuse

EXACT_LAYERS = (
    0,
    4,
    8,
    12,
    20,
)  # layers from the first one that stay in float32, as few as will do
TOLERANCE = 0.02  # of embeddings: mean absolute error over mean absolute value
CALIBRATION = (2, 5, 16, 48)  # colours across each generated image

Means = dict[str, torch.Tensor]


def generated_images(side: int) -> torch.Tensor:
    """Soft random colours, coarse and fine, always the same: (n, 3, side, side) uint8."""
    generator = torch.Generator().manual_seed(0)
    images = [
        nn.functional.interpolate(
            torch.rand(2, 3, cells, cells, generator=generator) * 255, (side, side), mode="bicubic"
        )
        for cells in CALIBRATION
    ]
    return torch.cat(images).clamp(0, 255).to(torch.uint8)


@torch.inference_mode()
def inference_copy(module: nn.Module, images: torch.Tensor, dtype: torch.dtype) -> nn.Module:
    """A network that computes the same: BatchNorm folded, channels_last, most of it in ``dtype``.

    Args:
        module: in eval mode; it is left alone. What torch.fx cannot follow is copied as it is.
        images: to measure on; (n, 3, h, w) float32 as the module takes them.
        dtype: float32, or half precision. Where that does not work out, it is float32.
    """
    try:
        folded = cast(fx.GraphModule, fuse(module))
    except Exception:  # torch.fx raises whatever the network's own code does
        return copy.deepcopy(module)
    folded.to(memory_format=torch.channels_last)
    if dtype == torch.float32:
        return folded
    exact, means = _measure(folded, images)
    for layers in EXACT_LAYERS:
        try:
            rounded = _rounded(folded, dtype, layers, means)
            error = (rounded(images).float() - exact).abs().mean() / exact.abs().mean()
        except RuntimeError:  # it mixes types in a place that no cast was put before
            break
        if error <= TOLERANCE:
            return rounded
    return folded


def _layers(network: fx.GraphModule) -> list[tuple[str, nn.Conv2d | nn.Linear]]:
    """What multiplies: convolutions and linear layers by name, in the order of their calls."""
    called = [str(node.target) for node in network.graph.nodes if node.op == "call_module"]
    parts = ((name, network.get_submodule(name)) for name in dict.fromkeys(called))
    return [(name, part) for name, part in parts if isinstance(part, (nn.Conv2d, nn.Linear))]


def _measure(network: fx.GraphModule, images: torch.Tensor) -> tuple[torch.Tensor, Means]:
    """Embeddings of images, and the mean of each input channel of each layer on the way."""
    means: Means = {}

    def note(name: str, layer: nn.Module, inputs: torch.Tensor) -> None:
        spread = (0, 2, 3) if isinstance(layer, nn.Conv2d) else tuple(range(inputs.dim() - 1))
        means[name] = inputs.mean(dim=spread)

    hooks = [
        layer.register_forward_pre_hook(lambda part, inputs, name=name: note(name, part, inputs[0]))
        for name, layer in _layers(network)
    ]
    exact = network(images)
    for hook in hooks:
        hook.remove()
    return exact.float(), means


def _rounded(network: fx.GraphModule, dtype: torch.dtype, first: int, means: Means) -> nn.Module:
    """A copy in which all layers but the ``first`` so many are in ``dtype``."""
    made = copy.deepcopy(network)
    for name, layer in _layers(made)[first:]:
        _correct(layer, means[name], dtype)
        layer.to(dtype)
    for node in made.graph.nodes:
        if node.op != "call_module":
            continue
        weights = next(made.get_submodule(node.target).parameters(), None)
        if weights is not None:
            with made.graph.inserting_before(node):
                inputs = made.graph.call_method("to", (node.args[0], weights.dtype))
            node.args = (inputs, *node.args[1:])
    made.recompile()
    return made


def _correct(layer: nn.Conv2d | nn.Linear, mean: torch.Tensor, dtype: torch.dtype) -> None:
    """Take off the bias what rounding the weights adds on average; (c,) mean of the inputs."""
    weight = layer.weight
    lost = weight - weight.to(dtype).float()
    if isinstance(layer, nn.Conv2d):  # each output sees the inputs of its group
        groups = mean.view(layer.groups, -1)
        mean = groups.repeat_interleave(layer.out_channels // layer.groups, 0)
        lost = lost.sum(dim=(2, 3))
    shift = (lost * mean).sum(dim=1)
    bias = shift if layer.bias is None else layer.bias + shift
    layer.bias = nn.Parameter(bias, requires_grad=False)
