"""From which confidence on predictions may be accepted unseen: chosen on the holdout."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from shlex import quote

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.annotations import Snapshot
from annolooop.domain.examples import Example, build_examples
from annolooop.domain.tasks import Image, Prediction
from annolooop.errors import DataError, UsageError
from annolooop.loop.labels.split import not_trained_on, rules_of_stack
from annolooop.loop.versions.predict import Predictor
from annolooop.model.judging.acceptance import CHANCE, Threshold, choose_threshold, images_needed
from annolooop.stack import Stack

IMAGES_AT_ONCE = 5000  # that are predicted


@dataclass(frozen=True)
class LabelThreshold:
    """The threshold of one label.

    Attributes:
        label: predicted.
        holdout: labelled images of the holdout that are predicted as this label.
        threshold: without a value where these do not show the precision.
    """

    label: str
    holdout: int
    threshold: Threshold


@dataclass(frozen=True)
class Thresholds:
    """What the holdout shows.

    Attributes:
        holdout: labelled images of it.
        pooled: the threshold of all predictions; ``None`` where each label has its own.
        labels: the threshold of each label, or none.
    """

    holdout: int
    pooled: Threshold | None
    labels: tuple[LabelThreshold, ...] = ()

    def lowest(self, prediction: Prediction) -> float | None:
        """The confidence from which on such a prediction is accepted; ``None`` for never."""
        if self.pooled:
            return self.pooled.value
        rows = (row.threshold.value for row in self.labels if (row.label,) == prediction.labels)
        return next(rows, None)

    @property
    def together(self) -> Threshold:
        """All that is accepted: the lowest of the thresholds, the sums, the lowest precision."""
        if self.pooled:
            return self.pooled
        used = [row.threshold for row in self.labels if row.threshold.value is not None]
        return Threshold(
            value=min(t.value for t in used if t.value is not None),
            n=sum(t.n for t in used),
            errors=sum(t.errors for t in used),
            low=min(t.low for t in used if t.low is not None),
        )


def find_thresholds(
    stack: Stack, predictor: Predictor, snapshot: Snapshot, precision: float, per_label: bool
) -> Thresholds:
    """Choose thresholds that keep a precision, all of them together with 95 % confidence.

    With a threshold for each label, each has its part of the remaining 5 % (Bonferroni), so that
    it takes more images to show the same precision.

    Args:
        stack: the annotation loop.
        predictor: of the current version.
        snapshot: the answers.
        precision: share of correct ones that is promised among what is accepted.
        per_label: choose one for each label; single choice.

    Raises:
        UsageError: a threshold for each label, and several labels an image.
        DataError: too few labels, or no confidence is high enough.
    """
    version = predictor.version
    if per_label and version.choice != "single":
        raise UsageError(
            "--per-label is for single choice", "Leave it out: one threshold holds for all labels."
        )
    held = _labelled_holdout(stack, predictor, snapshot)
    judged = _Judged(predictor, held)
    if per_label:
        found = judged.by_label(precision)
        if any(row.threshold.value is not None for row in found.labels):
            return found
    elif len(held) >= images_needed(precision):
        found = judged.pooled(precision)
        if found.together.value is not None:
            return found
    else:
        raise _too_few(stack, judged, precision)
    raise _not_sure_enough(judged, precision, per_label)


class _Judged:
    """The holdout as the version predicts it.

    Args:
        predictor: of the version.
        held: labelled images.
    """

    def __init__(self, predictor: Predictor, held: Sequence[Example]) -> None:
        self.version, self.n = predictor.version, len(held)
        predictions: list[Prediction] = []
        images = [Image(e.key, e.sha256) for e in held]
        for start in range(0, len(images), IMAGES_AT_ONCE):
            part = images[start : start + IMAGES_AT_ONCE]
            predicted = predictor.predict(part)
            predictions += [predicted[image] for image in part]
        pairs = zip(predictions, held, strict=True)
        self.correct = np.array([set(p.labels) == set(e.labels) for p, e in pairs], bool)
        self._confidence = np.array([p.score for p in predictions])
        self._predicted = np.array([" ".join(p.labels) for p in predictions], object)

    def pooled(self, precision: float) -> Thresholds:
        """One threshold."""
        chosen = choose_threshold(self._confidence, self.correct, precision)
        return Thresholds(self.n, chosen)

    def by_label(self, precision: float) -> Thresholds:
        """A threshold for each label."""
        labels, chance = self.version.labels, CHANCE / len(self.version.labels)
        return Thresholds(
            self.n, None, tuple(self._of_label(label, precision, chance) for label in labels)
        )

    def _of_label(self, label: str, precision: float, chance: float) -> LabelThreshold:
        own: NDArray[np.bool_] = self._predicted == label
        found = choose_threshold(self._confidence[own], self.correct[own], precision, chance)
        return LabelThreshold(label, int(own.sum()), found)

    def works(self, precision: float) -> str:
        """Options of `accept` that ask for less, and would accept something; empty for none."""
        if self.version.choice == "single" and self.version.trained:
            rows = self.by_label(precision).labels
            if any(row.threshold.value is not None for row in rows):
                return f"--per-label --precision {precision:g}"
        for hundredths in range(ceil(100 * precision) - 1, 49, -1):
            if self.pooled(hundredths / 100).together.value is not None:
                return f"--precision 0.{hundredths}"
        return ""


def _too_few(stack: Stack, judged: _Judged, precision: float) -> DataError:
    needed, version = images_needed(precision), judged.version
    share, before = stack.config.train.holdout, version.config.get("holdout")
    have = f"there are {judged.n}"
    less = judged.works(precision)
    hint = f"Annotate more: annoloop dataset launch {quote(stack.config.dataset.name)}"
    if less:
        hint = f"Annotate more images, or ask for less: annoloop dataset accept {less}"
    if before not in (None, share):
        have += f" that {version.name}, made with train.holdout: {before}, did not learn from"
        hint = "Train a version with this holdout: annoloop train --rerun"
    return DataError(
        f"a precision of {precision:.4g} takes at least {needed} labelled images of the holdout, "
        f"all predicted correctly; {have}. {needed} there take about {ceil(needed / share)} labels "
        "in all",
        hint,
    )


def _not_sure_enough(judged: _Judged, precision: float, per_label: bool) -> DataError:
    version, right = judged.version, int(judged.correct.sum())
    whose = "of no label is" if per_label else f"of {version.name} is not"
    less = judged.works(precision) if not per_label else ""
    ask = f"; or ask for less: annoloop dataset accept {less}" if less else ""
    chance = CHANCE / len(version.labels) if per_label else CHANCE
    needed = images_needed(precision, chance)
    each = f" (each label needs {needed} such images, all predicted correctly)" if per_label else ""
    return DataError(
        f"the confidence {whose} high enough for precision {precision:.4g}: {version.name} "
        f"predicts {right} of {judged.n} labelled images of the holdout correctly, and is wrong on "
        f"some of those where it is most confident{each}",
        f"Check these labels: annoloop dataset review; or annotate more and train again{ask}",
    )


def _labelled_holdout(stack: Stack, predictor: Predictor, snapshot: Snapshot) -> list[Example]:
    """Images of the holdout that people labelled, that the version did not learn from, and that
    have an embedding.

    Also those whose label the version does not know: it is wrong about them, and would be wrong
    about the images like them that it would accept.
    """
    examples = build_examples(snapshot.annotations, rules_of_stack(stack)).examples
    held = [example for example in examples if example.split == "holdout"]
    held = not_trained_on(stack, predictor.version, held, stack.config.train.holdout)
    missing = predictor.embeddings.missing(e.sha256 for e in held)
    return [example for example in held if example.sha256 not in missing]
