"""A backup is one file, and only such a file is put back."""

import sqlite3
import tarfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from annolooop.errors import ConfigError, DataError
from annolooop.labelstudio.server.backup import MARK, put_back_backup, read_backup, write_backup
from annolooop.labelstudio.server.database import AnswerRow, Database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(tmp_path / "label-studio")
    (made.folder / "media" / "upload").mkdir(parents=True)
    (made.folder / "media" / "upload" / "a.jpg").write_bytes(b"picture")
    (made.folder / "credentials.json").write_text("{}")
    (made.folder / ".env").write_text("SECRET_KEY=x")
    with closing(sqlite3.connect(made.file)) as connection, connection:
        connection.execute(
            "CREATE TABLE task_completion (id INTEGER PRIMARY KEY, created_at, updated_at, "
            "prediction, completed_by_id)"
        )
        connection.executemany(
            "INSERT INTO task_completion VALUES (?, 'c', 'u', NULL, 1)", [(1,), (2,)]
        )
    made.prepare("1.23.2", print)
    return made


@pytest.fixture
def backup(database: Database, tmp_path: Path) -> Path:
    file = tmp_path / "backup.tar.gz"
    write_backup(database, file)
    return file


def rows(database: Database) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database.file)) as connection:
        return connection.execute("SELECT * FROM task_completion ORDER BY id").fetchall()


def empty(database: Database) -> None:
    with closing(sqlite3.connect(database.file)) as connection, connection:
        connection.execute("DELETE FROM task_completion")


def test_backup_is_private_and_says_what_it_is(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert read_backup(backup).version == "1.23.2"
    with tarfile.open(backup) as tar:
        assert {MARK, "label_studio.sqlite3", ".env", "media/upload/a.jpg"} <= set(tar.getnames())


def test_data_folder_is_what_it_was_and_the_one_before_is_kept(
    database: Database, backup: Path
) -> None:
    before = rows(database)
    empty(database)
    (database.folder / ".env").unlink()
    (database.folder / "media" / "upload" / "a.jpg").unlink()
    (database.folder / "media" / "upload" / "later.jpg").write_bytes(b"later")
    contents, kept = put_back_backup(database, backup)
    assert contents.version == "1.23.2"
    assert rows(database) == before
    assert (database.folder / ".env").read_text() == "SECRET_KEY=x"
    assert sorted(f.name for f in (database.folder / "media/upload").iterdir()) == [
        "a.jpg",
        "later.jpg",
    ]
    assert kept
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM task_completion").fetchone() == (0,)
    assert not list(database.folder.glob(".backup-*"))


def test_data_folder_that_is_lost_is_made(database: Database, backup: Path, tmp_path: Path) -> None:
    fresh = Database(tmp_path / "fresh")
    fresh.folder.mkdir()
    assert put_back_backup(fresh, backup)[1] is None
    assert rows(fresh) == rows(database)


@pytest.mark.parametrize("cut", [0, 1, 2, 4])
def test_damaged_backup_changes_nothing(database: Database, backup: Path, cut: int) -> None:
    data = backup.read_bytes()
    backup.write_bytes(data[: len(data) * cut // 5])
    before = rows(database)
    with pytest.raises(DataError, match="backup"):
        put_back_backup(database, backup)
    assert rows(database) == before


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "media/../../outside", "other.txt"])
def test_members_that_no_backup_has_are_refused(
    database: Database, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "other.tar.gz"
    with tarfile.open(file, "w:gz") as tar:
        for member, data in ((MARK, b'{"created_at": "", "version": ""}'), (name, b"x")):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    with pytest.raises(DataError, match="not a file that `annoloop backup` wrote"):
        put_back_backup(database, file)
    assert not list(tmp_path.rglob("outside"))


def test_link_in_a_backup_is_refused(database: Database, backup: Path, tmp_path: Path) -> None:
    file = tmp_path / "linked.tar.gz"
    with tarfile.open(backup) as source, tarfile.open(file, "w:gz") as tar:
        mark = source.getmember(MARK)
        tar.addfile(mark, source.extractfile(mark))
        link = tarfile.TarInfo("credentials.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(DataError, match="not a file"):
        put_back_backup(database, file)


def test_file_that_cannot_be_written_is_named(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        write_backup(database, tmp_path / "missing" / "backup.tar.gz")


def test_answers_get_back_what_requests_have_no_room_for(database: Database) -> None:
    row = AnswerRow("2026-01-02T03:04:05Z", "2026-01-02T04:04:05.5+01:00", '{"a": 1}', True, 2)
    database.set_answers([row])
    first, second = rows(database)
    assert first == (1, "c", "u", None, 1)
    moments = ("2026-01-02 03:04:05.000000", "2026-01-02 03:04:05.500000")
    assert second == (2, *moments, '{"a": 1}', None)
