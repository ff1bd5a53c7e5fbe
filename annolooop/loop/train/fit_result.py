"""What came of training: a head, and how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from annolooop.domain.examples import Example
from annolooop.domain.versions import BackboneInfo
from annolooop.model.heads.calibration import calibrate, with_temperature
from annolooop.model.heads.fit import Targets, all_correct
from annolooop.model.heads.head import Head, Logits, Probabilities, activate
from annolooop.model.heads.targets import build_targets
from annolooop.stack import Stack
from annolooop.storage.embeddings.embeddings import Vector
from annolooop.storage.embeddings.shards import EXACT

if TYPE_CHECKING:
    from annolooop.model.backbones.pipeline import Pipeline


@dataclass(frozen=True)
class FitResult:
    """A fitted head, and its backbone if that is new.

    Attributes:
        head: of ``backbone``, calibrated.
        backbone: whose embeddings the head takes.
        metrics: for the version's record.
        probabilities: (h, k), predictions for the h images of the holdout.
        correct: (h,) bool, whether each of these is predicted correctly.
        out_of_fold: (n, k), logits of the training images by heads that did not learn from them;
            ``None`` where there are too few, or the backbone learned from them.
        new_backbones: that the registry may not have yet.
        new_embeddings: by a new backbone, by content hash.
        precision: class of what these were computed with.
        checkpoint: a file that is of no use once this is registered.
    """

    head: Head
    backbone: BackboneInfo
    metrics: dict[str, Any]
    probabilities: Probabilities = field(default_factory=lambda: np.zeros((0, 0)))
    correct: Targets = field(default_factory=lambda: np.zeros(0, bool))
    out_of_fold: Logits | None = None
    new_backbones: tuple[Pipeline, ...] = ()
    new_embeddings: Mapping[str, Vector] = field(default_factory=dict)
    precision: str = EXACT
    checkpoint: Path | None = None

    @property
    def out_of_fold_probabilities(self) -> Probabilities:
        """Without a temperature, which changes no prediction."""
        assert self.out_of_fold is not None
        return activate(self.out_of_fold, self.head.multiple)


def calibrated(
    head: Head, logits: Logits, targets: Targets, seed: int, metrics: dict[str, Any]
) -> Head:
    """A head with its temperature, which is also put into the metrics; as it is with too few.

    Args:
        head: that was fitted.
        logits, targets: (n, k), of images that it did not learn from.
        seed: of what is drawn.
        metrics: get ``calibration``.
    """
    calibration = calibrate(logits, targets, head.multiple, seed)
    if calibration is None:
        return head
    metrics["calibration"] = calibration
    return with_temperature(head, calibration["temperature"])


def predict_holdout(
    stack: Stack, head: Head, holdout: Sequence[Example], vectors: Vector
) -> tuple[Probabilities, Targets]:
    """Predictions for images of the holdout, by their embeddings, and whether they are correct.

    Returns:
        (h, k) and (h,) bool.
    """
    targets = build_targets(holdout, stack.config.dataset.labels)
    if not holdout:
        return np.zeros(targets.shape), np.zeros(0, bool)
    probabilities = head.predict(vectors)
    return probabilities, all_correct(probabilities, targets, head.multiple)
