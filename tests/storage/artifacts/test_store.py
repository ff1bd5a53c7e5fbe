"""The artifact store in a local folder."""

import os
from pathlib import Path

import pytest
from support.store_contract import StoreContract

from annolooop.errors import UnreachableError
from annolooop.storage.artifacts.store import ArtifactStore


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ArtifactStore:
        return ArtifactStore(str(tmp_path / "a store"))


def test_walk_of_an_object_is_that_object(tmp_path: Path) -> None:
    store = ArtifactStore(str(tmp_path))
    store.put("a/b", b"12")
    assert list(store.walk("a/b")) == [store.info("a/b")]


def test_folder_that_cannot_be_listed_does_not_look_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(str(tmp_path))
    store.put("a/b/c", b"12")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.rstrip("/").endswith("a/b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UnreachableError, match="cannot list a: Permission denied"):
        list(store.walk("a"))


def test_failed_put_leaves_the_old_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ArtifactStore(str(tmp_path))
    store.put("a", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnreachableError, match="cannot write a: No space left on device"):
        store.put("a", b"new")
    assert store.get("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_object_that_is_being_written_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".1234.part").write_bytes(b"half")
    assert list(ArtifactStore(str(tmp_path)).walk("a")) == []


def test_what_a_killed_writer_left_is_removed_later(tmp_path: Path) -> None:
    names = [f".{'0' * 16}.part", f".{'1' * 16}.part", "mine.part"]
    for name in names:
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "a" / name).write_bytes(b"half")
    for name in (names[0], names[2]):
        os.utime(tmp_path / "a" / name, (0, 0))
    assert list(ArtifactStore(str(tmp_path)).walk("a")) == []
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(names[1:])


def test_put_new_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    store = ArtifactStore(str(tmp_path))
    assert store.put_new("a", b"1")
    assert not store.put_new("a", b"2")
    assert store.get("a") == b"1"
