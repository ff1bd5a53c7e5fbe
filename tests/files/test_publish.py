"""What is exported appears whole, or not at all."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from annolooop.errors import UnreachableError, UsageError
from annolooop.files.publish import MANIFEST, publishing

KILLED = """
import os, signal, sys
from pathlib import Path
from annolooop.files.publish import publishing
with publishing(Path(sys.argv[1]), True, True) as draft:
    (draft.path / "half.txt").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def write(out: Path, text: str, overwrite: bool = False, folder: bool = True) -> None:
    with publishing(out, folder, overwrite) as draft:
        (draft.path / "x.txt" if folder else draft.path).write_text(text)
        draft.manifest = {"text": text}


def interrupt(out: Path) -> None:
    with publishing(out, False, True) as draft:
        draft.path.write_text("half")
        raise KeyboardInterrupt


def test_export_that_is_killed_leaves_nothing_half_written(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "one")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(out)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(p.name for p in out.iterdir()) == [MANIFEST, "x.txt"]
    assert len(list(tmp_path.iterdir())) > 1
    write(out, "two", overwrite=True)
    assert (out / "x.txt").read_text() == "two"
    assert list(tmp_path.iterdir()) == [out]


def test_folder_is_put_back_when_its_replacement_did_not_complete(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "one")
    out.rename(tmp_path / ".out.annoloop-old")  # as killed between the two renames
    with pytest.raises(UsageError, match="exists"):
        write(out, "two")
    assert (out / "x.txt").read_text() == "one"
    assert list(tmp_path.iterdir()) == [out]


def test_interrupted_block_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    write(out, "one", folder=False)
    with pytest.raises(KeyboardInterrupt):
        interrupt(out)
    assert out.read_text() == "one"
    assert {p.name for p in tmp_path.iterdir()} == {"out.csv", f"out.csv.{MANIFEST}"}


@pytest.mark.parametrize("folder", [True, False])
def test_only_exports_are_replaced_and_only_when_asked(tmp_path: Path, folder: bool) -> None:
    out = tmp_path / "out"
    write(out, "one", folder=folder)
    with pytest.raises(UsageError, match="exists") as caught:
        write(out, "two", folder=folder)
    assert "--overwrite" in caught.value.hint
    write(out, "three", overwrite=True, folder=folder)
    other = tmp_path / "other"
    if folder:
        other.mkdir()
        (other / "mine.txt").touch()
    else:
        other.touch()
    with pytest.raises(UsageError, match="was not written by"):
        write(other, "four", overwrite=True, folder=folder)
    with pytest.raises(UsageError, match="writes a"):
        write(out, "five", overwrite=True, folder=not folder)


def test_empty_folder_is_taken(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write(out, "one")
    assert (out / "x.txt").read_text() == "one"


def test_two_exports_to_one_place_are_told_apart(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with publishing(out, True, False), pytest.raises(UnreachableError, match="another process"):
        write(out, "two")
    assert [p.name for p in out.iterdir()] == [MANIFEST]


def test_link_in_the_place_of_an_export_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "theirs", "one")
    (tmp_path / "out").symlink_to(tmp_path / "theirs")
    with pytest.raises(UsageError, match="is a link to"):
        write(tmp_path / "out", "two", overwrite=True)
    assert (tmp_path / "theirs" / "x.txt").read_text() == "one"


def test_link_that_is_named_like_a_part_is_removed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.txt").touch()
    (tmp_path / ".out.annoloop-part").symlink_to(tmp_path / "theirs")
    write(tmp_path / "out", "one")
    assert (tmp_path / "theirs" / "thesis.txt").exists()
