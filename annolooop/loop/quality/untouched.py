"""Tasks that nobody touched, and whose prediction people may act on."""

from collections.abc import Iterable, Sequence

from annolooop.domain.annotations import Snapshot
from annolooop.domain.split import split_of
from annolooop.domain.tasks import Image
from annolooop.loop.labels.split import recorded_split
from annolooop.loop.push.blind import blind_share, is_blind
from annolooop.loop.versions.predict import Predictor
from annolooop.stack import Stack
from annolooop.storage.tasks import TaskIndex


class UntouchedTasks:
    """Tasks that nobody touched, as of the snapshot; the server checks again when it accepts."""

    def __init__(
        self, stack: Stack, predictor: Predictor, task_index: TaskIndex, snapshot: Snapshot
    ) -> None:
        self._task_index, self._version = task_index, predictor.version
        self._embeddings = predictor.embeddings
        self._holdout, self._blind = stack.config.train.holdout, blind_share(stack)
        self._recorded = recorded_split(stack, stack.config.dataset.name, self._holdout)
        self._touched = {a.task for a in snapshot.annotations}
        self._annotated = {a.sha256 for a in snapshot.annotations}

    def among(self, images: Sequence[Image]) -> list[tuple[int, Image]]:
        """Tasks of some images, with a prediction of the version; none that measures the model."""
        untouched = self._untouched(i for i in images if not self._measures(i))
        predicted, _ = self._task_index.predicted(
            (task for task, _ in untouched), self._version.name
        )
        return [(task, image) for task, image in untouched if task in predicted]

    def measuring(self, images: Sequence[Image]) -> list[tuple[int, Image]]:
        """Tasks of those images that measure the model: the holdout's, and blind ones."""
        return self._untouched(image for image in images if self._measures(image))

    def _untouched(self, images: Iterable[Image]) -> list[tuple[int, Image]]:
        now = {image.key: image for image in images if image.sha256 not in self._annotated}
        missing = self._embeddings.missing(image.sha256 for image in now.values())
        return [
            (task.id, now[task.key])
            for task in self._task_index.tasks(now)
            if not task.replaced
            and not task.vanished
            and task.sha256 == now[task.key].sha256
            and task.sha256 not in missing
            and task.id not in self._touched
        ]

    def _measures(self, image: Image) -> bool:
        if is_blind(image.sha256, self._blind):
            return True
        return split_of(image.sha256, self._holdout, self._recorded) == "holdout"
