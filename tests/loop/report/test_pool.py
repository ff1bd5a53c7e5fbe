"""All images by label."""

from pathlib import Path

from support.annotated_dataset import put_images
from support.trained_dataset import TrainedDataset, label_of

from annolooop.domain.progress import untracked
from annolooop.loop.report.pool import pool


def test_the_images_without_a_label_are_predicted(dataset: TrainedDataset) -> None:
    found = pool(dataset.stack(), dataset.read(), dataset.version, untracked)
    assert (found.images, found.unpredicted) == (80, 0)
    assert {row.label: row.labelled for row in found.rows} == {"aria": 29, "not_aria": 31}
    assert sum(row.predicted for row in found.rows) == 20
    right = sum(label_of(n) == "aria" for n in dataset.names if n not in dataset.labels)
    assert abs({row.label: row.predicted for row in found.rows}["aria"] - right) <= 3


def test_an_untrained_version_predicts_nothing(dataset: TrainedDataset) -> None:
    first = dataset.stack().registry.version(1)
    for version in (None, first):
        found = pool(dataset.stack(), dataset.read(), version, untracked)
        assert found.unpredicted == 20
        assert sum(row.predicted for row in found.rows) == 0


def test_an_image_without_an_embedding_is_counted_as_such(tmp_path: Path) -> None:
    few = TrainedDataset(tmp_path, 5)
    put_images(few.project, [*few.names, "new.png"])
    found = pool(few.stack(), few.read(), few.version, untracked)
    assert (found.images, found.unpredicted) == (11, 1)
