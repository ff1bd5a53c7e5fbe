"""Hashes of local files are believed only while the files are certainly the same."""

import os
import time
from pathlib import Path

import pytest

from annolooop.storage import file_hashes as module
from annolooop.storage.file_hashes import FileHashes, FileState

HASH = "ab" * 32


def state(path: Path) -> FileState | None:
    return FileState.of(str(path), path.stat())


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a test were changed long ago."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)


@pytest.mark.usefixtures("settled")
def test_hash_is_known_until_the_file_changes(tmp_path: Path) -> None:
    cache = tmp_path / "cache" / "hashes.sqlite"
    file = tmp_path / "a.jpg"
    file.write_bytes(b"1")
    FileHashes(cache).note([(state(file), HASH)])
    hashes = FileHashes(cache)
    assert hashes.known([None, state(file)]) == [None, HASH]
    was = file.stat()
    file.write_bytes(b"2")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))  # as a copy that keeps times does
    assert hashes.known([state(file)]) == [None]


def test_file_that_changed_just_now_has_no_state(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"1")
    assert state(file) is None


@pytest.mark.usefixtures("settled")
def test_cache_that_turns_out_to_be_damaged_is_begun_anew(tmp_path: Path) -> None:
    """Its first page is whole, so that it can be opened."""
    cache, file = tmp_path / "hashes.sqlite", state(Path(__file__))
    assert file
    hashes = FileHashes(cache)
    hashes.note([(file._replace(path=str(n)), HASH) for n in range(5000)])
    whole = cache.read_bytes()
    cache.write_bytes(whole[:12_288] + b"x" * (len(whole) - 12_288))
    damaged = FileHashes(cache)
    assert damaged.known([file._replace(path=str(n)) for n in range(5000)]) == [None] * 5000
    damaged.note([(file, HASH)])
    assert FileHashes(cache).known([file]) == [HASH]


def test_what_is_no_image_is_known_until_the_decoders_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hashes.sqlite"
    FileHashes(cache).note_decode_errors({HASH: "not an image"})
    assert FileHashes(cache).decode_error(HASH) == "not an image"
    assert FileHashes(cache).decode_error("cd" * 32) is None
    monkeypatch.setattr(module, "_decoders", lambda: "newer ones")
    assert FileHashes(cache).decode_error(HASH) is None


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("damage", [b"no database" * 100, None])
def test_cache_that_cannot_be_used_knows_nothing(tmp_path: Path, damage: bytes | None) -> None:
    cache = tmp_path / "hashes.sqlite"
    if damage is None:
        cache.mkdir()
    else:
        cache.write_bytes(damage)
    hashes, file = FileHashes(cache), Path(__file__)
    assert hashes.known([state(file)]) == [None]
    hashes.note([(state(file), HASH)])
    assert hashes.known([state(file)]) == [HASH]
