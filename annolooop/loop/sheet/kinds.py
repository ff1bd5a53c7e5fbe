"""Which tasks the pages of a contact sheet show, in which order, and as what."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.annotations import Snapshot
from annolooop.domain.progress import Track
from annolooop.domain.tasks import Image
from annolooop.loop.quality.untouched import UntouchedTasks
from annolooop.loop.sheet.pool import Row
from annolooop.loop.versions.predict import Predictor
from annolooop.stack import Stack
from annolooop.storage.tasks import TaskIndex

SUREST, LEAST_SURE, LABEL, BLIND = "surest", "least-sure", "label", "blind"
KINDS = (SUREST, LEAST_SURE, LABEL, BLIND)
IMAGES_AT_ONCE = 5000  # whose tasks and predictions are in memory
MOST_ROWS = 100_000  # of a sheet; the rest comes when it is opened again
PERHAPS = 0.05  # probability from which on an image may be of a label


def read_rows(
    stack: Stack,
    predictor: Predictor,
    task_index: TaskIndex,
    snapshot: Snapshot,
    kind: str,
    label: str,
    track: Track,
) -> list[Row]:
    """Tasks that nobody touched, in the order in which a sheet asks them.

    Images of the holdout, and those that people see without a prediction, are on blind sheets
    only, and no others are there.

    Args:
        stack: the annotation loop.
        predictor: of the current version; single choice.
        task_index: agrees with the server.
        snapshot: the answers so far.
        kind: one of ``KINDS``.
        label: of a sheet of the kind ``label``: all images are shown as this.
        track: shows how far it is.
    """
    tasks = UntouchedTasks(stack, predictor, task_index, snapshot)
    labels = predictor.version.labels

    def rows() -> Iterator[Row]:
        images = track(stack.catalog.images(), "look", len(stack.catalog))
        while part := list(islice(images, IMAGES_AT_ONCE)):
            if kind == BLIND:
                yield from (Row(task, image, "", "", 0.0) for task, image in tasks.measuring(part))
            elif untouched := tasks.among(part):
                probabilities = predictor.probabilities([image for _, image in untouched])
                if kind == LABEL:
                    yield from _of_label(untouched, probabilities, labels, label)
                else:
                    yield from _predicted(untouched, probabilities, labels)

    if kind == BLIND:  # in an order that no prediction shaped
        return heapq.nsmallest(MOST_ROWS, rows(), key=lambda row: row.image.sha256)
    sign = 1 if kind == LEAST_SURE else -1
    return heapq.nsmallest(MOST_ROWS, rows(), key=lambda row: (sign * row.score, row.task))


def _predicted(
    tasks: Sequence[tuple[int, Image]], probabilities: NDArray[np.floating], labels: Sequence[str]
) -> Iterable[Row]:
    """Each as its most probable label."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    for (task, image), (best, *others), row in zip(
        tasks, order.tolist(), probabilities, strict=True
    ):
        second = others[0] if others else best
        yield Row(task, image, labels[best], labels[second], float(row[best]))


def _of_label(
    tasks: Sequence[tuple[int, Image]],
    probabilities: NDArray[np.floating],
    labels: Sequence[str],
    label: str,
) -> Iterable[Row]:
    """All that may be of one label, as this."""
    place = labels.index(label)
    others = probabilities.copy()
    others[:, place] = -1
    for (task, image), second, score in zip(
        tasks, others.argmax(axis=1).tolist(), probabilities[:, place].tolist(), strict=True
    ):
        if score >= PERHAPS:
            yield Row(task, image, label, labels[second], score)
