"""A dataset that was annotated and trained, without a Label Studio: everything is in a folder."""

from pathlib import Path

import numpy as np
from support.annotated_dataset import put_images, store_labels
from support.project import LABELS, Project

from annolooop.domain.progress import untracked
from annolooop.domain.versions import ModelVersion
from annolooop.loop.labels.current import Labels, read_labels
from annolooop.loop.train.changes import find_examples
from annolooop.loop.train.learn import learn
from annolooop.loop.train.register import register, register_first
from annolooop.loop.train.training_set import build_training_set
from annolooop.stack import Stack
from annolooop.storage.embeddings.shards import EXACT

NAME = "offline"


def label_of(name: str) -> str:
    return "not_aria" if "not_aria" in name else "aria"


def other(name: str) -> str:
    return "aria" if label_of(name) == "not_aria" else "not_aria"


class TrainedDataset:
    """Images of both labels, embeddings that part them, and a version trained on these labels.

    Args:
        folder: of the project.
        count: images of each label; those with a number in ``unlabelled`` have no label.
        wrong: names whose label is the other one.
    """

    def __init__(
        self,
        folder: Path,
        count: int = 40,
        unlabelled: range = range(0),
        wrong: tuple[str, ...] = (),
    ) -> None:
        self.project = Project(
            folder,
            {
                "store": {"url": str(folder / "store")},
                "dataset": {"name": NAME, "labels": LABELS},
                "model": {"backbone": "mobilenet_v3_small", "weights": "none"},
                "train": {"holdout": 0.3},
                "cache_dir": str(folder / "cache"),
            },
        )
        self.names = [f"{label}_{n}.png" for n in range(count) for label in LABELS]
        self.images = put_images(self.project, self.names)
        self.labels = {
            name: other(name) if name in wrong else label_of(name)
            for name in self.names
            if int(name.rpartition("_")[2].removesuffix(".png")) not in unlabelled
        }
        store_labels(self.project, self.images, {n: [la] for n, la in self.labels.items()})
        self.version = self._train()

    def stack(self, *overrides: str) -> Stack:
        return self.project.stack(*overrides)

    def read(self) -> Labels:
        return read_labels(self.stack(), NAME, offline=True)

    def _train(self) -> ModelVersion:
        stack = self.stack()
        first = register_first(stack)
        rng, vectors = np.random.default_rng(0), {}
        for name, image in self.images.items():
            vector = rng.normal(0, 1, first.backbone.dim)
            vector[:4] += 1.5 if label_of(name) == "aria" else -1.5
            vectors[image.sha256] = vector.astype(np.float32)
        stack.embeddings(first.backbone).add(vectors, EXACT)
        stack = self.stack()
        snapshot = stack.snapshots.latest()
        examples = find_examples(stack, snapshot).examples
        training_set = build_training_set(stack, first, examples, False, untracked)
        result = learn(stack, training_set, "head", untracked)
        usable = (*training_set.train, *training_set.holdout)
        return register(stack, first, result, snapshot.number, usable)
