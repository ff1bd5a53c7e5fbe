"""What a dataset is made of, without Label Studio."""

import pytest
from support.trained_dataset import NAME, TrainedDataset

from annolooop.errors import DataError
from annolooop.loop.quality.describe import describe


def test_offline_it_counts_the_last_snapshot(dataset: TrainedDataset) -> None:
    report = describe(dataset.stack(), NAME, offline=True)
    assert (report.live, report.project, report.tasks) == (False, None, None)
    assert (report.images, report.missing_images) == (80, 0)
    assert (report.labeled_images, report.labeled_tasks, report.disputed) == (60, 60, 0)
    assert report.annotators == {"1": 60}


def test_parts_of_the_split_add_up(dataset: TrainedDataset) -> None:
    report = describe(dataset.stack(), NAME, offline=True)
    assert report.split.train + report.split.holdout == 60
    assert sum(counts.train for counts in report.labels.values()) == report.split.train
    assert sum(counts.holdout for counts in report.labels.values()) == report.split.holdout


def test_it_names_the_current_version(dataset: TrainedDataset) -> None:
    report = describe(dataset.stack(), NAME, offline=True)
    assert (report.model_versions, report.model_version) == (2, dataset.version.name)


def test_another_dataset_is_refused(dataset: TrainedDataset) -> None:
    with pytest.raises(DataError):
        describe(dataset.stack(), "nowhere", offline=True)
