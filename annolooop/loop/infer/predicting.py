"""The stages of `infer` after images are recorded: predict them, then push the predictions."""

from collections.abc import Iterator
from dataclasses import dataclass

from annolooop.domain.tasks import Image, Prediction
from annolooop.loop.embed.stages import Stage
from annolooop.loop.embed.timing import Timing
from annolooop.loop.infer.write import WritePart
from annolooop.loop.push.plan import PushPlan
from annolooop.loop.push.push import Pusher
from annolooop.loop.versions.predict import Predictor, best_labels
from annolooop.stack import Stack


@dataclass
class Pushed:
    """What was sent to Label Studio, all parts together; as in the report."""

    tasks: int = 0
    predictions: int = 0
    changed: int = 0
    stale: int = 0
    blind: int = 0

    def add(self, done: PushPlan) -> None:
        self.tasks += len(done.new)
        self.predictions += done.predictions
        self.blind += len(done.blind)
        self.changed += len(done.changed)
        self.stale += done.stale


class Predicting:
    """The stages after images are recorded: predict them and write that down, then push it.

    Args:
        stack: the annotation loop.
        predictor: of the current version.
        write: writes rows of the file of ``out``, if there is one.
        pusher: sends to Label Studio, if that is asked for.
        timing: is added to.
        pushed: is added to.
    """

    def __init__(
        self,
        stack: Stack,
        predictor: Predictor,
        write: WritePart | None,
        pusher: Pusher | None,
        timing: Timing,
        pushed: Pushed,
    ) -> None:
        self._predictor, self._write, self._pusher = predictor, write, pusher
        self._timing, self._pushed = timing, pushed
        self._images_per_push = stack.config.label_studio.import_size

    def stages(self) -> list[Stage]:
        """In their order."""
        stages = [Stage("predict", self._predict)]
        return [*stages, Stage("push", self._push)] if self._pusher else stages

    def _predict(self, parts: Iterator[list[Image]]) -> Iterator[dict[Image, Prediction]]:
        for images in parts:
            with self._timing.stage("predict"):
                probabilities = self._predictor.probabilities(images)
                if self._write:
                    self._write(images, probabilities)
                if not self._pusher:
                    continue
                best = best_labels(self._predictor.version, probabilities)
                predictions = dict(zip(images, best, strict=True))
            yield predictions

    def _push(self, parts: Iterator[dict[Image, Prediction]]) -> None:
        """Send as many at once as Label Studio likes."""
        waiting: dict[Image, Prediction] = {}
        for predictions in parts:
            waiting |= predictions
            if len(waiting) >= self._images_per_push:
                self._send(waiting)
                waiting = {}
        if waiting:
            self._send(waiting)

    def _send(self, predictions: dict[Image, Prediction]) -> None:
        assert self._pusher
        with self._timing.stage("push"):
            self._pushed.add(self._pusher.send(predictions))
