"""Copies of the database from before upgrades, and which version it belongs to."""

import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from annolooop.config.schema import DEFAULT_LABEL_STUDIO
from annolooop.errors import ConfigError, DataError, UnreachableError
from annolooop.labelstudio.server.daemon import Daemon
from annolooop.labelstudio.server.database import Database, Mark
from annolooop.labelstudio.server.install import installed_version


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Database:
    """Of a Label Studio that ran once and is stopped."""
    shutil.copytree(migrated, tmp_path / "label-studio")
    return Database(tmp_path / "label-studio")


def quiet(_: str) -> None:
    """Nobody listens."""


def set_version(database: Database, number: int) -> None:
    with closing(sqlite3.connect(database.file)) as connection:
        connection.execute(f"PRAGMA user_version={number}")


def test_healthy_start_is_remembered_and_the_next_one_copies_nothing(database: Database) -> None:
    assert database.mark() == Mark(DEFAULT_LABEL_STUDIO, True)
    database.prepare(DEFAULT_LABEL_STUDIO, quiet)
    assert database.copies() == []


def test_copy_holds_what_is_only_in_the_log_and_is_private(database: Database) -> None:
    with closing(sqlite3.connect(database.file)) as writer:
        writer.execute("CREATE TABLE late (n)")
        writer.execute("INSERT INTO late VALUES (7)")
        writer.commit()  # the log is only merged when the last connection closes
        assert database.file.with_name("label_studio.sqlite3-wal").stat().st_size
        copy = database.copy("1.22.0")
    assert [file.name for file in database.backups.iterdir()] == [copy.name]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as reader:
        assert reader.execute("SELECT n FROM late").fetchone() == (7,)
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_folder_that_does_not_tell_its_version_is_copied_once(database: Database) -> None:
    set_version(database, 0)
    said: list[str] = []
    for _ in range(2):
        database.prepare(DEFAULT_LABEL_STUDIO, said.append)
    (copy,) = database.copies()
    assert copy.name.startswith("label_studio-unknown-2")
    assert str(copy) in "\n".join(said)


def test_only_the_last_three_copies_are_kept(database: Database) -> None:
    database.backups.mkdir()
    for day in range(1, 5):
        (database.backups / f"label_studio-1.{30 - day}.0-2026010{day}T000000Z.sqlite3").touch()
    newest = database.copy("1.22.0")
    kept = [file.name.split("-")[2][:8] for file in database.copies()]
    assert (kept[1:], database.copies()[0]) == (["20260104", "20260103"], newest)


def test_older_label_studio_is_refused(database: Database) -> None:
    with pytest.raises(ConfigError, match=r"1\.9\.0 is older") as caught:
        database.prepare("1.9.0", quiet)
    assert f"Set label_studio.version to {DEFAULT_LABEL_STUDIO}" in caught.value.hint
    assert database.mark() == Mark(DEFAULT_LABEL_STUDIO, True)


def test_damaged_database_is_named(database: Database) -> None:
    copy = database.copy("1.22.0")
    database.file.write_bytes(b"not a database, " * 1000)
    with pytest.raises(DataError, match="is damaged") as caught:
        database.prepare(DEFAULT_LABEL_STUDIO, quiet)
    assert str(copy) in caught.value.hint


def test_upgrade_that_does_not_start_tells_the_way_back_each_time(
    database: Database, make_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    set_version(database, 1_022_000)
    scripts = tmp_path / "bin"
    scripts.mkdir()
    # No release is broken in this way, so this one is made up.
    (scripts / "label-studio").write_text("#!/bin/sh\necho no such table\nexit 3\n")
    (scripts / "python").write_text("#!/bin/sh\necho 1.99.0\n")
    for script in scripts.iterdir():
        script.chmod(0o755)
    daemon = make_daemon(database.folder, tmp_path / "store")
    broken = Daemon(**{**vars(daemon), "command": str(scripts / "label-studio")})
    for _ in range(2):
        with pytest.raises(UnreachableError, match="no such table") as caught:
            broken.start(quiet)
        (copy,) = database.copies()
        assert copy.name.startswith("label_studio-1.22.0-")
        assert f"cp {copy} {database.file}, and set label_studio.version to 1.22.0" in (
            caught.value.hint
        )
    with pytest.raises(ConfigError, match=r"Label Studio 1\.99\.0 has used the database"):
        daemon.start(quiet)


def test_version_of_an_executable_is_read_without_starting_it(
    label_studio_command: str, tmp_path: Path
) -> None:
    assert installed_version(Path(label_studio_command)) == DEFAULT_LABEL_STUDIO
    (tmp_path / "linked").symlink_to(label_studio_command)
    assert installed_version(tmp_path / "linked") == DEFAULT_LABEL_STUDIO
    (tmp_path / "own").write_text("#!/bin/sh\nexit 1\n")
    assert installed_version(tmp_path / "own") is None
