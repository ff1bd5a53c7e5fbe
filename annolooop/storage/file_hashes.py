"""Hashes of local files, and why contents could not be decoded, kept in the cache.

What did not change is not read again, and what cannot be decoded is not tried again.
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from annolooop.storage.database import CacheDatabase, pack, unpack

FRESH = 2_000_000_000  # nanoseconds after a change in which another may leave the time as it is
SCHEMA = (
    "CREATE TABLE files (path BLOB PRIMARY KEY, size INTEGER, changed INTEGER, "
    "touched INTEGER, inode INTEGER, sha256 BLOB) WITHOUT ROWID",
    "CREATE TABLE undecodable (sha256 BLOB PRIMARY KEY, reason TEXT, decoders TEXT) WITHOUT ROWID",
)


class FileState(NamedTuple):
    """What changes when the content of a file does.

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
    def of(cls, path: str, info: os.stat_result) -> "FileState | None":
        """The state of a file; ``None`` where it changed so lately that it says nothing.

        A file that changes twice within the grain of its clock looks the same after both.
        """
        changed, touched = info.st_mtime_ns, info.st_ctime_ns
        if time.time_ns() - max(changed, touched) < FRESH:
            return None
        # SQLite's numbers have a sign.
        inode = info.st_ino & 0x7FFF_FFFF_FFFF_FFFF
        return cls(path, info.st_size, changed, touched, inode)


class FileHashes:
    """State of a file -> SHA-256 of its bytes; safe from several threads and processes.

    It may be deleted at any time, and begins empty where it is damaged. Where it cannot be used,
    nothing is known and nothing kept.

    Args:
        file: of SQLite; default: in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._tables = CacheDatabase(file, SCHEMA, "hashes of files")

    def known(self, states: Sequence[FileState | None]) -> list[str | None]:
        """The hashes of files, where their states are those of when they were hashed."""
        statement = (
            "SELECT sha256 FROM files WHERE path = ? AND size = ? AND changed = ? "
            "AND touched = ? AND inode = ?"
        )
        rows: list[Any] = [None] * len(states)
        with self._using() as db:
            rows = [state and db.execute(statement, _row(state)).fetchone() for state in states]
        return [unpack(row[0]) if row else None for row in rows]

    def note(self, hashed: Iterable[tuple[FileState | None, str]]) -> None:
        """Keep hashes of files whose states were taken before they were read: one write."""
        rows = [(*_row(state), pack(sha256)) for state, sha256 in hashed if state]
        if not rows:
            return
        with self._using() as db, self._tables.writing():
            db.executemany("REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", rows)

    def decode_error(self, sha256: str) -> str | None:
        """Why a content could not be decoded, if the decoders are the same as then."""
        statement = "SELECT reason FROM undecodable WHERE sha256 = ? AND decoders = ?"
        row = None
        with self._using() as db:
            row = db.execute(statement, (pack(sha256), _decoders())).fetchone()
        return str(row[0]) if row else None

    def note_decode_errors(self, reasons: Mapping[str, str]) -> None:
        """Keep why contents, by hash, could not be decoded: one write."""
        if not reasons:
            return
        rows = [(pack(sha256), why, _decoders()) for sha256, why in reasons.items()]
        with self._using() as db, self._tables.writing():
            db.executemany("REPLACE INTO undecodable VALUES (?, ?, ?)", rows)

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """Nothing is known or kept where it fails; where it is damaged, it begins empty."""
        with self._tables.lock:
            try:
                yield self._tables.db
            except sqlite3.Error as error:
                # Exactly that: its subclasses tell of locks, full disks, missing rights.
                if type(error) is sqlite3.DatabaseError:
                    self._tables.reopen(error)


@cache
def _decoders() -> str:
    """What decodes: another version may read what this one does not."""
    found = []
    for name in ("pillow", "simplejpeg", "pi-heif"):
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def _row(state: FileState) -> tuple[bytes, int, int, int, int]:
    return (os.fsencode(state.path), *state[1:])
