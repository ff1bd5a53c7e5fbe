"""Where a network's last stage begins, so that it can learn while what is before stays."""

from torch import nn

LAST_STAGE = 0.25  # share of the parameters that a last stage holds at least
WRAPPER = 0.9  # a part with more than this share only wraps the stages


def last_stage(module: nn.Module) -> list[nn.Parameter]:
    """The parameters from a network's last stage on.

    Stages are recognised by their size, since networks name them as they like: from the end of the
    features, whole blocks are taken until they hold a quarter of the features' parameters. In a
    ResNet this is ``layer4``, in a ConvNeXt the fourth stage, in MobileNetV2 the last
    bottleneck with the convolution after it. What comes after the features belongs to it.
    """
    children = list(module.children())
    features = getattr(module, "features", None)
    if not isinstance(features, nn.Module):
        return _tail(module)
    after = children[children.index(features) + 1 :]
    return _tail(features) + [p for child in after for p in child.parameters()]


def _tail(module: nn.Module) -> list[nn.Parameter]:
    total = sum(p.numel() for p in module.parameters())
    picked: list[nn.Parameter] = []
    for child in reversed(list(module.children())):
        if sum(p.numel() for p in picked) >= LAST_STAGE * total:
            break
        inside = list(child.parameters())
        if sum(p.numel() for p in inside) > WRAPPER * total and len(list(child.children())) > 1:
            return picked + _tail(child)
        picked += inside
    return picked
