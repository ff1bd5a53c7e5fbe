"""Files of this machine: whole or not at all, whoever else writes them."""

import errno
import os
import stat
from pathlib import Path

import pytest

from annolooop.errors import ConfigError
from annolooop.files.whole import (
    ABANDONED,
    make_folder,
    open_private,
    part_of,
    remove_abandoned,
    replacing,
    write_file,
)


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


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_what_is_private_is_so_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        make_folder(tmp_path / "a" / "b")
        make_folder(tmp_path / "shared", shared=True)
        (tmp_path / "old.log").touch(0o666)
        for name in ("new.log", "old.log"):
            with open_private(tmp_path / name, "a") as file:
                file.write("x")
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.rglob("*")}
    assert modes == {
        "a": 0o700, "b": 0o700, "shared": 0o777 & ~umask, "new.log": 0o600, "old.log": 0o600
    }  # fmt: skip


def test_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs").chmod(0o775)
    make_folder(tmp_path / "theirs" / "mine")
    modes = [stat.S_IMODE((tmp_path / p).stat().st_mode) for p in ("theirs", "theirs/mine")]
    assert modes == [0o775, 0o700]


def test_clean_up_that_fails_does_not_hide_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "x"):
        raise KeyboardInterrupt
    with pytest.raises(OSError, match="No space"), replacing(tmp_path / "x"):
        raise OSError(errno.ENOSPC, "No space")


def test_file_where_the_folder_would_be_is_no_other_writer(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"")
    for replace in (True, False):
        with pytest.raises(NotADirectoryError):
            write_file(tmp_path / "folder" / "file", b"x", replace)
