"""One annotated and trained dataset, without a server, for all tests that only read it."""

import pytest
from support.trained_dataset import TrainedDataset


@pytest.fixture(scope="package")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> TrainedDataset:
    """Ten images of each label are not annotated."""
    return TrainedDataset(tmp_path_factory.mktemp("offline"), 40, range(30, 40), ("aria_3.png",))
