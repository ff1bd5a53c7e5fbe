"""Where backups are written, how many are kept, and which are put back."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from support.project import Project

from annolooop.errors import ConfigError, DataError, UsageError
from annolooop.loop.setup import backup as module
from annolooop.loop.setup.backup import back_up_daily, backup, list_backups, put_back


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A Label Studio that does not run now."""
    made = Project(tmp_path, {"cache_dir": str(tmp_path / "cache")})
    daemon = made.stack().daemon
    assert daemon
    daemon.data_dir.mkdir(parents=True)
    with closing(sqlite3.connect(daemon.database.file)) as connection, connection:
        connection.execute("CREATE TABLE task_completion (id)")
    return made


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store lies on another disk than the database."""
    monkeypatch.setattr(module, "_disk", lambda path: path.name == "store")


def test_backup_lies_beside_the_database_where_the_store_does(project: Project) -> None:
    report = backup(project.stack(), None, 7)
    file = Path(report.name)
    assert file.parent == project.folder / "annoloop-data" / "label-studio" / "backups"
    assert (file.stat().st_size, report.kept, report.removed) == (report.bytes, 1, ())
    assert [row.name for row in list_backups(project.stack()).backups] == [report.name]


def test_backup_goes_into_a_store_on_another_disk(project: Project, elsewhere: None) -> None:
    report = backup(project.stack(), None, 7)
    assert report.name.startswith("backups/label-studio-")
    store = project.stack().store
    assert store.exists(report.name)
    assert store.local_path
    assert (store.local_path / report.name).stat().st_mode & 0o777 == 0o600
    assert put_back(project.stack(), report.name).backup == report.name
    assert put_back(project.stack(), Path(report.name).name).kept


def test_only_the_newest_backups_are_kept(project: Project) -> None:
    daemon = project.stack().daemon
    assert daemon
    folder = daemon.database.backups
    folder.mkdir()
    names = [f"label-studio-{daemon.name}-2026010{n}T000000Z.tar.gz" for n in range(1, 5)]
    others = ["label-studio-ffffffffffff-20260101T000000Z.tar.gz", "mine.tar.gz"]
    for name in (*names, *others):
        (folder / name).touch()
    report = backup(project.stack(), None, 3)
    assert [Path(name).name for name in report.removed] == names[:2]
    left = {file.name for file in folder.iterdir()}
    assert left == {*names[2:], *others, Path(report.name).name}


def test_one_backup_a_day(
    project: Project, elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert back_up_daily(project.stack(), 7)
    assert back_up_daily(project.stack(), 7) is None
    monkeypatch.setattr(module, "EVERY", timedelta(0))
    assert back_up_daily(project.stack(), 7)


def test_file_that_exists_is_not_overwritten(project: Project, tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists"):
        backup(project.stack(), tmp_path / "b.tar.gz", 7)
    with pytest.raises(UsageError, match="there is no folder"):
        backup(project.stack(), tmp_path / "none" / "b.tar.gz", 7)
    assert (tmp_path / "b.tar.gz").read_bytes() == b"mine"


def test_backup_that_is_not_there_is_named(project: Project) -> None:
    with pytest.raises(DataError, match="there is no file x") as caught:
        put_back(project.stack(), "x.tar.gz")
    assert "annoloop restore --list" in caught.value.hint


def test_server_of_someone_else_is_not_backed_up(project: Project) -> None:
    project.write({"label_studio": {"url": "http://127.0.0.1:1", "api_key": "x"}})
    with pytest.raises(ConfigError, match="where it runs"):
        backup(project.stack(), None, 7)


def test_nothing_is_written_before_the_first_start(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no Label Studio database"):
        backup(Project(tmp_path, {}).stack(), tmp_path / "b.tar.gz", 7)
    assert not (tmp_path / "b.tar.gz").exists()
