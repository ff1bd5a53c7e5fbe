"""Predictions in a file: all of it or nothing, and what is refused before any work."""

import csv
from pathlib import Path

import numpy as np
import pytest
from support.records import draft

from annolooop.domain.tasks import Image
from annolooop.errors import UnreachableError, UsageError
from annolooop.loop.infer.write import check_output, explained, writing_predictions

IMAGES = [Image("images/a.jpg", "aa"), Image("images/b.jpg", "bb")]


@pytest.mark.parametrize("name", ["out.txt", "out", "out.CSV.gz"])
def test_suffix_that_names_no_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="the suffix must be one of"):
        check_output(tmp_path / name)


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        check_output(tmp_path / "none" / "out.csv")


def test_rows_have_all_probabilities_in_the_order_of_the_labels(tmp_path: Path) -> None:
    file, version = tmp_path / "out.csv", draft(labels=("cat", "dog"))
    with writing_predictions(file, version) as write:
        write(IMAGES, np.array([[0.25, 0.75], [0.5, 0.5]]))
    with file.open(encoding="utf-8", newline="") as lines:
        first, second = csv.DictReader(lines)
    assert (first["key"], first["sha256"], first["label"]) == ("images/a.jpg", "aa", "dog")
    assert (first["p_cat"], first["p_dog"], first["score"]) == ("0.25", "0.75", "0.75")
    assert second["key"] == "images/b.jpg"


def test_parts_are_written_one_after_the_other(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    with writing_predictions(file, draft(labels=("cat", "dog"))) as write:
        for image in IMAGES:
            write([image], np.array([[1.0, 0.0]]))
    assert len(file.read_text(encoding="utf-8").splitlines()) == 2


def test_file_stays_as_it_was_where_the_run_fails(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("before")

    def fail() -> None:
        with writing_predictions(file, draft(labels=("cat", "dog"))) as write:
            write(IMAGES[:1], np.array([[1.0, 0.0]]))
            raise UnreachableError("gone")

    with pytest.raises(UnreachableError):
        fail()
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("number", "kind"), [(28, UnreachableError), (122, UnreachableError), (13, UsageError)]
)
def test_full_disk_is_out_of_reach_and_other_failures_are_usage(
    number: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=r"--out x\.csv cannot be written"), explained("--out x.csv"):
        raise OSError(number, "no")
