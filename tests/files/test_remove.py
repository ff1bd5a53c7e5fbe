"""A folder is removed if it bears the mark of annoloop, and nothing that links lead to."""

from pathlib import Path

import pytest

from annolooop.errors import ConfigError
from annolooop.files.remove import remove_own


def test_folder_with_its_mark_goes_and_what_links_in_it_lead_to_stays(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    (ours / "mark").mkdir(parents=True)
    theirs.mkdir()
    (theirs / "thesis.txt").touch()
    (ours / "link").symlink_to(theirs)
    remove_own(ours, ours / "mark")
    assert not ours.exists()
    assert (theirs / "thesis.txt").exists()


def test_folder_without_the_mark_stays(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    with pytest.raises(ConfigError, match="annoloop did not make it"):
        remove_own(tmp_path / "theirs", tmp_path / "theirs" / "mark")
    assert (tmp_path / "theirs").exists()
