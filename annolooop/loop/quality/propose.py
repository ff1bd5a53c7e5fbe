"""Which predictions may be accepted unseen: from which confidence on, and of which tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from shlex import quote

import numpy as np

from annolooop.domain.annotations import Snapshot
from annolooop.domain.draw import SPOT_CHECK, draw
from annolooop.domain.examples import Example, build_examples
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image, Prediction
from annolooop.domain.versions import ModelVersion
from annolooop.errors import DataError
from annolooop.loop.labels.split import not_trained_on, rules_of_stack
from annolooop.loop.quality.untouched import UntouchedTasks
from annolooop.loop.versions.predict import Predictor
from annolooop.model.judging.acceptance import Threshold, choose_threshold, images_needed
from annolooop.stack import Stack
from annolooop.storage.tasks import TaskIndex

IMAGES_AT_ONCE = 5000  # images whose tasks and predictions are in memory


@dataclass(frozen=True)
class AcceptOptions:
    """What to accept.

    Attributes:
        precision: share of correct ones that is promised.
        spot_check: share of the confident ones that is left for people.
        limit: accept at most so many.
        yes: do it; otherwise only count.
    """

    precision: float = 0.98
    spot_check: float = 0.05
    limit: int | None = None
    yes: bool = False


@dataclass
class Proposal:
    """What may be accepted.

    Attributes:
        threshold: chosen on the holdout; it has a value.
        holdout: labelled images of the holdout that it was chosen on.
        tasks: task -> its prediction, the most confident first.
        untouched: tasks with a prediction that nobody touched, outside of the holdout.
        spot_check: of the confident ones, those left for people.
        over_limit: confident ones that the limit leaves for the next time.
    """

    threshold: Threshold
    holdout: int
    tasks: dict[int, Prediction] = field(default_factory=dict)
    untouched: int = 0
    spot_check: int = 0
    over_limit: int = 0


def propose(
    stack: Stack,
    predictor: Predictor,
    task_index: TaskIndex,
    snapshot: Snapshot,
    options: AcceptOptions,
    track: Track,
) -> Proposal:
    """Choose the threshold on the holdout, and find the untouched tasks above it.

    Raises:
        DataError: too few labels, or no confidence is high enough.
    """
    threshold, holdout = _choose_threshold(stack, predictor, snapshot, options.precision)
    proposal, lowest = Proposal(threshold, holdout), threshold.value
    assert lowest is not None
    chosen: list[tuple[float, int, Prediction]] = []
    images = track(stack.catalog.images(), "look", len(stack.catalog))
    tasks = UntouchedTasks(stack, predictor, task_index, snapshot)
    while part := list(islice(images, IMAGES_AT_ONCE)):
        untouched = tasks.among(part)
        proposal.untouched += len(untouched)
        predictions = predictor.predict([image for _, image in untouched])
        for task, image in untouched:
            prediction = predictions[image]
            if prediction.score < lowest:
                continue
            if draw(image.sha256, SPOT_CHECK) < options.spot_check:
                proposal.spot_check += 1
            else:
                chosen.append((-prediction.score, task, prediction))
    chosen.sort(key=lambda row: row[:2])
    kept = chosen[: options.limit]
    proposal.over_limit = len(chosen) - len(kept)
    proposal.tasks = {task: prediction for _, task, prediction in kept}
    return proposal


def _choose_threshold(
    stack: Stack, predictor: Predictor, snapshot: Snapshot, precision: float
) -> tuple[Threshold, int]:
    """The threshold, and on how many images it was chosen; DataError where there is none."""
    version = predictor.version
    held = _labelled_holdout(stack, version, snapshot)
    needed = images_needed(precision)
    if len(held) < needed:
        share, before = stack.config.train.holdout, version.config.get("holdout")
        have, hint = f"there are {len(held)}", _ask_less(stack, len(held))
        if before not in (None, share):
            have += f" that {version.name}, made with train.holdout: {before}, did not learn from"
            hint = "Train a version with this holdout: annoloop train --rerun"
        raise DataError(
            f"a precision of {precision:.4g} takes at least {needed} labelled images of the "
            f"holdout, all predicted correctly; {have}",
            hint,
        )
    images = [Image(e.key, e.sha256) for e in held]
    predictions = list(_predict(predictor, images))
    pairs = zip(predictions, held, strict=True)
    correct = np.array([set(p.labels) == set(e.labels) for p, e in pairs])
    confidence = np.array([p.score for p in predictions])
    threshold = choose_threshold(confidence, correct, precision)
    if threshold.value is None:
        raise DataError(
            f"no confidence of {version.name} is high enough for precision {precision:.4g}: it "
            f"predicts {int(correct.sum())} of {len(held)} labelled images of the holdout "
            "correctly, and is wrong on some of those where it is most confident",
            "Check these labels: annoloop dataset review; or annotate more and train again; or ask "
            "for less with --precision",
        )
    return threshold, len(held)


def _labelled_holdout(stack: Stack, version: ModelVersion, snapshot: Snapshot) -> list[Example]:
    """Images of the holdout that people labelled, that the version did not learn from, and that
    have an embedding.

    Also those whose label the version does not know: it is wrong about them, and would be wrong
    about the images like them that it would accept.
    """
    examples = build_examples(snapshot.annotations, rules_of_stack(stack)).examples
    held = [example for example in examples if example.split == "holdout"]
    held = not_trained_on(stack, version, held, stack.config.train.holdout)
    missing = stack.embeddings(version.backbone).missing(e.sha256 for e in held)
    return [example for example in held if example.sha256 not in missing]


def _ask_less(stack: Stack, images: int) -> str:
    """What to do with too few images: name the highest precision that they can show."""
    for hundredths in range(99, 49, -1):
        if images_needed(hundredths / 100) <= images:
            less = f"annoloop dataset accept --precision 0.{hundredths}"
            return f"Annotate more images, or ask for less: {less}"
    return f"Annotate more images: annoloop dataset launch {quote(stack.config.dataset.name)}"


def _predict(predictor: Predictor, images: Sequence[Image]) -> Iterator[Prediction]:
    for start in range(0, len(images), IMAGES_AT_ONCE):
        part = images[start : start + IMAGES_AT_ONCE]
        predictions = predictor.predict(part)
        yield from (predictions[image] for image in part)
