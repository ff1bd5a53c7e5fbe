"""A dataset in a folder, and a backbone that needs no weights."""

from pathlib import Path

import pytest
from support.local_dataset import LocalDataset


@pytest.fixture
def dataset(tmp_path: Path) -> LocalDataset:
    return LocalDataset(tmp_path)
