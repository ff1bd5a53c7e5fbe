"""A local copy of a series is what the series says, whatever happens to its file."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from annolooop.errors import DataError, UnreachableError
from annolooop.storage.artifacts.store import ArtifactStore, Provider
from annolooop.storage.index import Index, index_file
from annolooop.storage.series import Series

SCHEMA = ("CREATE TABLE pairs (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID",)


def apply(db: sqlite3.Connection, value: Any) -> None:
    db.executemany("REPLACE INTO pairs VALUES (?, ?)", value.items())


def series_of(store: ArtifactStore) -> Series[Any]:
    return Series(store, "s", Any)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "store"))


@pytest.fixture
def file(tmp_path: Path, store: ArtifactStore) -> Path:
    return index_file(tmp_path / "cache", series_of(store))


def opened(store: ArtifactStore, file: Path | None) -> Index:
    index = Index(series_of(store), file, SCHEMA, apply)
    index.refresh()
    return index


def held(index: Index) -> dict[str, int]:
    return dict(index.rows("SELECT key, value FROM pairs"))


def test_index_reads_each_number_once_and_its_own_not_at_all(
    store: ArtifactStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, get = [], store.get
    monkeypatch.setattr(store, "get", lambda key: read.append(key) or get(key))
    first = opened(store, file)
    first.append({"a": 1, "b": 1})
    series_of(store).append({"a": 2})
    opened(store, file).append({"c": 3})
    assert held(opened(store, file)) == {"a": 2, "b": 1, "c": 3}
    assert held(first) == {"a": 2, "b": 1, "c": 3}  # they share the file
    assert read == ["s/000002.json"]


@pytest.mark.parametrize("changed", [1, 2])
def test_index_whose_writes_could_not_be_looked_at_compares_what_they_hold(
    store: ArtifactStore, file: Path, monkeypatch: pytest.MonkeyPatch, changed: int
) -> None:
    """The store went away just after it had taken them."""
    with monkeypatch.context() as away:
        away.setattr(store._provider.file_system, "info", lambda path: 1 / 0)
        away.setattr(
            store, "_provider", Provider(store._provider.file_system, (ZeroDivisionError,))
        )
        index = opened(store, file)
        for number in (1, 2):
            index.append({str(number): number})
    store.put(f"s/{changed:06}.json", b'{"7": 7}')
    assert held(opened(store, file)) == {"7": 7, str(3 - changed): 3 - changed}
    assert held(opened(store, file)) == {"7": 7, str(3 - changed): 3 - changed}


def test_index_applies_what_others_wrote_before_its_own(store: ArtifactStore) -> None:
    first, second = opened(store, None), opened(store, None)
    first.append({"a": 1})
    second.append({"a": 2})
    assert held(second) == {"a": 2}
    first.refresh()
    assert held(first) == {"a": 2}


@pytest.mark.parametrize("last", [{"a": 1}, {"a": 7}])
def test_index_notices_a_series_that_was_begun_again(
    store: ArtifactStore, file: Path, last: dict[str, int]
) -> None:
    """Also if the number that was last is there again."""
    for refreshed in (False, True):
        index = opened(store, file)
        index.append({"a": 1, "b": 1})
        index.append({"c": 1})
        if refreshed:
            index.refresh()
        store.delete_below("s")
        opened(store, None).append(last)
        assert held(opened(store, file)) == last
        opened(store, None).append({"d": 1})
        assert held(opened(store, file)) == last | {"d": 1}
        store.delete_below("s")


@pytest.mark.parametrize("damage", [b"no database", b""])
def test_damaged_index_is_made_anew(store: ArtifactStore, file: Path, damage: bytes) -> None:
    index = opened(store, file)
    index.append({str(n): n for n in range(5000)})
    index.close()
    file.write_bytes(damage + file.read_bytes()[len(damage) : 4096 if damage else 8192])
    assert len(held(opened(store, file))) == 5000
    assert len(held(opened(store, file))) == 5000


def test_what_cannot_be_applied_is_named(store: ArtifactStore) -> None:
    index = opened(store, None)
    index.append({"a": 1})
    series_of(store).append(["no pairs"])
    with pytest.raises(DataError, match=r"s/000002\.json .* is damaged"):
        index.refresh()
    assert held(index) == {"a": 1}


def test_index_that_is_damaged_while_it_is_used_says_so_and_is_made_anew(
    store: ArtifactStore, file: Path
) -> None:
    index = opened(store, file)
    index.append({str(n): n for n in range(5000)})
    file.write_bytes(file.read_bytes()[:8192] + b"x" * (file.stat().st_size - 8192))
    again = Index(series_of(store), file, SCHEMA, apply)
    with pytest.raises(UnreachableError, match="the copy of s on this machine is damaged"):
        held(again)
    assert len(held(opened(store, file))) == 5000


def test_index_of_other_tables_is_made_anew(store: ArtifactStore, file: Path) -> None:
    opened(store, file).append({"a": 1})
    other = Index(
        series_of(store), file, ("CREATE TABLE pairs (key, value, more)",), lambda *_: None
    )
    assert held(other) == {}
    other.close()
    assert held(opened(store, file)) == {"a": 1}


def test_index_does_without_a_file_that_cannot_be_written(
    store: ArtifactStore, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_bytes(b"no folder")
    index = opened(store, index_file(tmp_path / "cache", series_of(store)))
    index.append({"a": 1})
    assert held(index) == {"a": 1}


def test_many_write_through_one_file(store: ArtifactStore, file: Path) -> None:
    shared = opened(store, file)

    def write(number: int) -> None:
        index = shared if number % 2 else opened(store, file)
        index.append({str(number): number, "last": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(16)))
    assert held(shared) == held(opened(store, None))
    assert len(held(shared)) == 17
