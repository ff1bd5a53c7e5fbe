"""Files of a folder come in the order in which a bucket lists its objects."""

import os
from pathlib import Path

import pytest

from annolooop.storage.artifacts.folder import Folder, file_or_below, files_below


def write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"12")


def names_below(folder: Path, **options: object) -> list[str]:
    return [name for name, _ in files_below(str(folder), **options)]  # type: ignore[arg-type]


def test_files_are_sorted_as_if_all_paths_were(tmp_path: Path) -> None:
    names = ["b/a", "b-b", "b.b", "b/a!", "a", "bb", "B", "é"]
    write(tmp_path, *names)
    assert names_below(tmp_path) == sorted(names)


def test_what_is_to_be_skipped_is_not_looked_into(tmp_path: Path) -> None:
    write(tmp_path, "keep/1", "drop/1", "drop/2", "keep/2")
    assert names_below(tmp_path, skip=lambda path: path == "drop") == ["keep/1", "keep/2"]


def test_links_to_files_are_followed_only_where_that_is_allowed(tmp_path: Path) -> None:
    write(tmp_path, "real")
    (tmp_path / "link").symlink_to("real")
    assert names_below(tmp_path) == ["real"]
    assert names_below(tmp_path, follow=lambda path: True) == ["link", "real"]


def test_links_to_folders_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a/1")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert names_below(tmp_path, follow=lambda path: True) == ["a/1"]


def test_what_cannot_be_taken_is_reported_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, "a")
    (tmp_path / "dead").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    lost: dict[str, str] = {}
    assert names_below(tmp_path, lost=lost.__setitem__) == ["a"]
    assert lost.keys() == {"dead", "pipe"}
    assert lost["dead"] == "the link leads nowhere"


def test_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        names_below(tmp_path / "none")


def test_file_itself_is_found_at_its_path(tmp_path: Path) -> None:
    write(tmp_path, "a/b", "a/c")
    assert [name for name, _ in file_or_below(str(tmp_path), "a/b")] == ["a/b"]
    assert [name for name, _ in file_or_below(str(tmp_path), "a")] == ["a/b", "a/c"]


def test_path_that_is_too_long_names_nothing(tmp_path: Path) -> None:
    assert list(file_or_below(str(tmp_path), "x" * 5000)) == []


def test_folder_is_removed_with_what_is_in_it(tmp_path: Path) -> None:
    write(tmp_path, "a/b/c", "d")
    Folder().rm(str(tmp_path / "a"), recursive=True)
    assert names_below(tmp_path) == ["d"]


def test_link_in_the_place_of_a_folder_is_removed_and_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "theirs/1")
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    Folder().rm(str(tmp_path / "link"), recursive=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["theirs"]
    assert (tmp_path / "theirs" / "1").exists()
