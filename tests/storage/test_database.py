"""A database of the cache may vanish, be damaged or be foreign at any time."""

import sqlite3
from pathlib import Path

import pytest

from annolooop.errors import UnreachableError
from annolooop.storage.database import CacheDatabase

SCHEMA = ("CREATE TABLE pairs (key TEXT PRIMARY KEY, value INTEGER)",)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "pairs.sqlite"


def opened(file: Path | None, made_for: str = "") -> CacheDatabase:
    return CacheDatabase(file, SCHEMA, "the pairs", made_for)


def fill(database: CacheDatabase, count: int = 1) -> None:
    database.fill("pairs", [(str(n), n) for n in range(count)])


def count_of(database: CacheDatabase) -> int:
    return int(database.rows("SELECT count(*) FROM pairs")[0][0])


def test_what_was_written_is_there_when_it_is_opened_again(file: Path) -> None:
    fill(opened(file))
    assert opened(file).rows("SELECT * FROM pairs") == [("0", 0)]


def test_without_a_file_it_is_in_memory() -> None:
    database = opened(None)
    fill(database)
    assert count_of(database) == 1


def test_made_for_something_else_it_begins_empty(file: Path) -> None:
    fill(opened(file, "one store"))
    assert count_of(opened(file, "another store")) == 0


def test_database_of_another_program_is_made_anew(file: Path) -> None:
    file.parent.mkdir()
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE pairs (other)")
    other.execute("CREATE TABLE more (other)")
    other.close()
    database = opened(file)
    fill(database)
    assert count_of(database) == 1
    assert database.rows("SELECT name FROM sqlite_master WHERE name = 'more'") == []


def test_file_that_is_no_database_is_made_anew(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    fill(opened(file))
    assert count_of(opened(file)) == 1


def test_damage_that_shows_late_is_named_and_gone_next_time(file: Path) -> None:
    database = opened(file)
    fill(database, 5000)
    database.close()
    whole = file.read_bytes()
    file.write_bytes(whole[:12_288] + b"x" * (len(whole) - 12_288))
    with pytest.raises(UnreachableError, match="copy of the pairs on this machine is damaged"):
        opened(file).rows("SELECT * FROM pairs")
    assert count_of(opened(file)) == 0


def test_transaction_that_fails_leaves_nothing(file: Path) -> None:
    database = opened(file)
    with pytest.raises(ZeroDivisionError), database.writing():
        database.db.execute("INSERT INTO pairs VALUES ('a', 1 / ?)", [1 / 0])
    assert count_of(database) == 0


def test_after_an_error_of_the_file_it_goes_on_with_an_empty_one(file: Path) -> None:
    database = opened(file)
    fill(database)
    database.reopen(sqlite3.DatabaseError("damaged"))
    assert count_of(database) == 0
    fill(database)
    assert count_of(opened(file)) == 1


def test_folder_that_cannot_be_written_costs_only_the_file(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"no folder")
    database = opened(tmp_path / "cache" / "pairs.sqlite")
    fill(database)
    assert count_of(database) == 1
