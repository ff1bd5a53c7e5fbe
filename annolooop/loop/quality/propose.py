"""Which predictions may be accepted unseen: from which confidence on, and of which tasks."""

from dataclasses import dataclass, field
from itertools import islice

from annolooop.domain.annotations import Snapshot
from annolooop.domain.draw import SPOT_CHECK, draw
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Prediction
from annolooop.loop.quality.thresholds import Thresholds, find_thresholds
from annolooop.loop.quality.untouched import UntouchedTasks
from annolooop.loop.versions.predict import Predictor
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
        per_label: choose a threshold for each label.
    """

    precision: float = 0.98
    spot_check: float = 0.05
    limit: int | None = None
    yes: bool = False
    per_label: bool = False


@dataclass
class Proposal:
    """What may be accepted.

    Attributes:
        thresholds: chosen on the holdout; at least one has a value.
        tasks: task -> its prediction, the most confident first.
        untouched: tasks with a prediction that nobody touched, outside of the holdout.
        spot_check: of the confident ones, those left for people.
        over_limit: confident ones that the limit leaves for the next time.
    """

    thresholds: Thresholds
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
    """Choose thresholds on the holdout, and find the untouched tasks above them.

    Raises:
        UsageError: a threshold for each label, and several labels an image.
        DataError: too few labels, or no confidence is high enough.
    """
    thresholds = find_thresholds(stack, predictor, snapshot, options.precision, options.per_label)
    proposal = Proposal(thresholds)
    chosen: list[tuple[float, int, Prediction]] = []
    images = track(stack.catalog.images(), "look", len(stack.catalog))
    tasks = UntouchedTasks(stack, predictor, task_index, snapshot)
    while part := list(islice(images, IMAGES_AT_ONCE)):
        untouched = tasks.among(part)
        proposal.untouched += len(untouched)
        predictions = predictor.predict([image for _, image in untouched])
        for task, image in untouched:
            prediction = predictions[image]
            lowest = thresholds.lowest(prediction)
            if lowest is None or prediction.score < lowest:
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
