"""A trained dataset whose store holds an object of every kind, without a Label Studio."""

from pathlib import Path

from support.project import write_photos
from support.trained_dataset import NAME, TrainedDataset

from annolooop.domain.rounds import Round
from annolooop.domain.tasks import Task
from annolooop.loop.labels.recorded_split import RecordedSplit
from annolooop.loop.push.blind import record, set_blind_share
from annolooop.loop.quality.review_records import Asked, Review, reviews_of
from annolooop.loop.rounds.queue import rounds_of

THEN = "2026-01-01T10:00:00+00:00"


class FullStore(TrainedDataset):
    """The dataset; ``new`` in its folder is a batch that is not in it yet."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, count=30)
        write_photos(folder / "new", ["aria_new.png"], seed=9)
        stack, images = self.stack(), list(self.images.values())
        RecordedSplit(stack.store, NAME).record(0.3, {images[0].sha256: "train"})
        set_blind_share(stack, 0.1)
        record(stack, self.version.name, {images[1].sha256: ["aria"]})
        asked = Round(0, THEN, "1 then", self.version.name, "random", "so", (1, 2, 3), (2,), (3,))
        rounds_of(stack, NAME).append(asked)
        doubt = Asked(images[0].sha256, 1, ("aria",), ("not_aria",), THEN)
        reviews_of(stack, NAME).append(Review(THEN, "me@here", "1 then", (doubt,)))
        stack.catalog.watch("photos")
        tasks = [Task(n, i.key, i.sha256) for n, i in enumerate(images, start=1)]
        stack.task_index.note("1 then", tasks, {self.version.name: [task.id for task in tasks]})
        with stack.lock("test"):
            pass

    def objects(self) -> list[str]:
        """Keys of all objects but images."""
        return [o.key for o in self.stack().store.walk("") if not o.key.startswith("images/")]
