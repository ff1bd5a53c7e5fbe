"""Which datasets there are: of the store, and of Label Studio."""

from pathlib import Path

import pytest
from support.fake_label_studio import FakeLabelStudio, project_on

from annolooop.errors import DataError
from annolooop.loop.dataset.datasets import launch, list_datasets
from annolooop.stack import Stack


@pytest.fixture
def stack(fake: FakeLabelStudio, tmp_path: Path) -> Stack:
    raw = {"id": 7, "created_at": "1", "title": "cats", "label_config": "<View/>"}
    results = [{**raw, "task_number": 5}]
    fake.answer("GET", "/api/projects", {"results": results, "next": None})
    return project_on(fake, tmp_path).stack()


def test_datasets_of_the_store_and_projects_are_listed_by_name(stack: Stack) -> None:
    stack.store.put("datasets/birds/images/000001.json", b"{}")
    rows = list_datasets(stack).datasets
    assert [(row.name, row.tasks) for row in rows] == [("birds", None), ("cats", 5)]


def test_dataset_with_a_project_has_its_address(fake: FakeLabelStudio, stack: Stack) -> None:
    (row,) = list_datasets(stack).datasets
    assert row.url == f"{fake.url}/projects/7/data?labeling=1"


def test_dataset_that_is_not_there_cannot_be_launched(stack: Stack) -> None:
    with pytest.raises(
        DataError, match="Label Studio has no project for the dataset cat"
    ) as caught:
        launch(stack, "cat", browser=False)
    assert "did you mean cats?" in caught.value.message


@pytest.mark.parametrize("words", [("stats",), ("launch", "--no-browser")])
def test_name_that_is_left_out_is_that_of_the_stack_file(
    fake: FakeLabelStudio, stack: Stack, tmp_path: Path, words: tuple[str, ...]
) -> None:
    project = project_on(fake, tmp_path)
    gone = project.run("dataset", *words, "--set", "dataset.name=dogs", code=5)
    assert "no project for the dataset dogs" in gone.stderr
