"""A network in half precision computes about what it did."""

import pytest
import torch
from torch import nn

from annolooop.model.backbones.rounding import (
    CALIBRATION,
    TOLERANCE,
    generated_images,
    inference_copy,
)


def network(scale: float = 1.0) -> nn.Sequential:
    """Two convolutions with BatchNorm; the first one may be scaled up, as trained ones are."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    ).eval()
    with torch.no_grad():
        net[1].weight.mul_(scale)
    return net


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return generated_images(32).float() / 255


def error(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.float() - other).abs().mean() / other.abs().mean())


@torch.inference_mode()
def test_folding_batchnorm_changes_nothing_in_float32(images: torch.Tensor) -> None:
    net = network()
    folded = inference_copy(net, images, torch.float32)
    assert not [part for part in folded.modules() if isinstance(part, nn.BatchNorm2d)]
    assert error(folded(images), net(images)) < 1e-5


@torch.inference_mode()
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_half_precision_stays_within_the_tolerance(scale: float, images: torch.Tensor) -> None:
    net = network(scale)
    rounded = inference_copy(net, images, torch.bfloat16)
    assert any(p.dtype == torch.bfloat16 for p in rounded.parameters())
    assert error(rounded(images), net(images)) <= TOLERANCE


def test_the_network_itself_is_left_alone(images: torch.Tensor) -> None:
    net = network()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    inference_copy(net, images, torch.bfloat16)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_a_network_that_cannot_be_traced_is_copied_as_it_is(images: torch.Tensor) -> None:
    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean() if float(x.sum()) > 0 else x.sum()

    net = Branching().eval()
    copied = inference_copy(net, images, torch.bfloat16)
    assert copied is not net
    assert torch.equal(copied(images), net(images))


def test_generated_images_are_always_the_same() -> None:
    one, other = generated_images(24), generated_images(24)
    assert one.shape == (2 * len(CALIBRATION), 3, 24, 24)
    assert one.dtype == torch.uint8
    assert torch.equal(one, other)
