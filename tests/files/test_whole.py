"""Files of this machine: whole or not at all, whoever else writes them."""

import os
from pathlib import Path

import pytest

from annolooop.errors import ConfigError
from annolooop.files.whole import ABANDONED, make_folder, part_of, remove_abandoned, replacing


def test_two_that_write_one_file_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    with replacing(file) as first:
        first.write_text("half of")
        with replacing(file) as second:
            second.write_text("the second")
        assert file.read_text() == "the second"
        first.write_text("the first")
    assert file.read_text() == "the first"
    assert list(tmp_path.iterdir()) == [file]


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "annotations.json"
    file.write_text("old")

    def fail() -> None:
        with replacing(file) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_sweeping_takes_only_what_was_left_long_ago(tmp_path: Path) -> None:
    old, new, mine = (part_of(tmp_path / "x"), part_of(tmp_path / "x"), tmp_path / ".mine.part")
    for file in (old, new, mine):
        file.touch()
    for file in (old, mine):
        os.utime(file, (0, file.stat().st_mtime - ABANDONED - 60))
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {new, mine}


def test_folder_that_cannot_be_used_is_an_error_that_names_it(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for taken in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match=f"the folder {taken} cannot be used"):
            make_folder(taken)
