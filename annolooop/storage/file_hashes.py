"""Hashes of files of this machine, kept in the cache: what did not change is not read again."""

import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from annolooop.storage.survey import pack, unpack

PATIENCE = 30.0  # seconds to wait for another process that writes to the same file
FRESH = 2_000_000_000  # nanoseconds after a change in which another may leave the time as it is
TABLE = (
    "CREATE TABLE IF NOT EXISTS files_1 (path BLOB PRIMARY KEY, size INTEGER, changed INTEGER, "
    "touched INTEGER, inode INTEGER, sha256 BLOB) WITHOUT ROWID"
)


class FileState(NamedTuple):
    """What the system tells of a file, and changes if its content does.

    Attributes:
        path: absolute.
        size: bytes.
        changed: when its content changed, in nanoseconds.
        touched: when anything of it did; programs cannot set that.
        inode: number of the file.
    """

    path: str
    size: int
    changed: int
    touched: int
    inode: int

    @classmethod
    def of(cls, path: str, found: os.stat_result) -> "FileState | None":
        """The state of a file; ``None`` where it changed so lately that it says nothing.

        A file that changes twice within the grain of its clock looks the same after both.
        """
        changed, touched = found.st_mtime_ns, found.st_ctime_ns
        if time.time_ns() - max(changed, touched) < FRESH:
            return None
        # SQLite's numbers have a sign.
        inode = found.st_ino & 0x7FFF_FFFF_FFFF_FFFF
        return cls(path, found.st_size, changed, touched, inode)


class FileHashes:
    """State of a file -> SHA-256 of its bytes; safe from several threads and processes.

    It may be deleted at any time. Where it cannot be used, nothing is known and nothing kept.

    Args:
        file: of SQLite; default: in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._lock = Lock()
        self._db = _open(file)

    def known(self, states: Sequence[FileState | None]) -> list[str | None]:
        """The hashes of files, where their states are those of when they were hashed."""
        statement = (
            "SELECT sha256 FROM files_1 WHERE path = ? AND size = ? AND changed = ? "
            "AND touched = ? AND inode = ?"
        )
        with self._lock:
            try:
                found = [
                    state and self._db.execute(statement, _row(state)).fetchone()
                    for state in states
                ]
            except sqlite3.Error:
                return [None] * len(states)
        return [unpack(row[0]) if row else None for row in found]

    def note(self, hashed: Iterable[tuple[FileState | None, str]]) -> None:
        """Keep hashes of files whose states were taken before they were read: one write."""
        rows = [(*_row(state), pack(sha256)) for state, sha256 in hashed if state]
        if not rows:
            return
        with self._lock, suppress(sqlite3.Error), self._db:
            self._db.executemany("REPLACE INTO files_1 VALUES (?, ?, ?, ?, ?, ?)", rows)


def _row(state: FileState) -> tuple[bytes, int, int, int, int]:
    return (os.fsencode(state.path), *state[1:])


def _open(file: Path | None) -> sqlite3.Connection:
    """The file with its table; a damaged one is made anew. Else memory."""
    for _ in range(2 if file else 0):
        assert file
        with suppress(OSError, sqlite3.OperationalError):
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                return _connect(str(file))
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                file.unlink(missing_ok=True)
    return _connect(":memory:")


def _connect(name: str) -> sqlite3.Connection:
    db = sqlite3.connect(name, PATIENCE, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(TABLE)
    except BaseException:
        db.close()
        raise
    return db
