"""The local server's database: which Label Studio it belongs to, and copies from before upgrades.

Label Studio migrates its database when a newer version starts on it, and there is no way back. So
the database says which version started on it last, in SQLite's ``user_version``, which is there
for applications and which Label Studio leaves alone. Being inside, it goes along when a copy is
put back.
"""

import re
import shlex
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from annolooop.errors import ConfigError, DataError, UnreachableError
from annolooop.files.whole import PART, flush, replacing
from annolooop.labelstudio.server.migrated import begin_migrated

COPIES_KEPT = 3
LOCK_TIMEOUT = 30.0  # seconds


@dataclass(frozen=True)
class Mark:
    """What is noted in a database.

    Attributes:
        version: of the last Label Studio that started on it; ``None`` where that is not noted.
        proven: that start went well.
    """

    version: str | None
    proven: bool


@dataclass(frozen=True)
class AnswerRow:
    """What an annotation once had.

    Attributes:
        created_at, updated_at: ISO 8601.
        shown: JSON of the prediction that the person saw; ``None`` for none.
        nobody: the account of the person was deleted.
        id: of the annotation now.
    """

    created_at: str
    updated_at: str
    shown: str | None
    nobody: bool
    id: int


@dataclass(frozen=True)
class Database:
    """The SQLite database in a server's data folder.

    Every method raises :class:`DataError` when the file is damaged, and
    :class:`UnreachableError` when it cannot be read or written.
    """

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "label_studio.sqlite3"

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def filled(self) -> bool:
        """Whether a Label Studio has ever written to it."""
        if not self.file.exists() or not self.file.stat().st_size:
            return False
        with self._opened() as connection:
            return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is not None

    def mark(self) -> Mark:
        """Which Label Studio started on it last."""
        with self._opened() as connection:
            number = int(connection.execute("PRAGMA user_version").fetchone()[0])
        return Mark(_version_text(abs(number)) if number else None, number > 0)

    def prepare(self, version: str | None, say: Callable[[str], None]) -> None:
        """Make it ready for a start; if another version ran on it, copy it first.

        A new one begins as :mod:`annolooop.labelstudio.server.migrated` has it.

        Args:
            version: of the Label Studio that is about to start, ``None`` where it is not known.
            say: shows where the copy is.

        Raises:
            ConfigError: a newer Label Studio has run on it.
        """
        filled = self.filled
        if not filled:
            with self._explained():
                begin_migrated(self.file, version)
        with self._opened() as connection:
            # WAL lets people annotate while predictions are written; it stays with the file.
            connection.execute("PRAGMA journal_mode=wal")
        last = self.mark().version
        if version is None or (filled and last == _version_text(_number(version))):
            return
        if filled:
            if last and _number(last) > _number(version):
                raise self._too_new(last, version)
            before = f"Label Studio {last}" if last else "an unknown Label Studio"
            say(f"The database of {before} is copied before {version} starts on it …")
            say(f"  {self.copy(last or 'unknown')}")
        self._write_mark(-_number(version))

    def prove(self, version: str | None) -> None:
        """Note that a Label Studio of this version has started well on it."""
        if version and self.mark() != Mark(_version_text(_number(version)), True):
            self._write_mark(_number(version))

    def copy(self, version: str) -> Path:
        """Copy it into ``backups``, with what is still in its write-ahead log.

        Returns:
            The copy: one file of mode 0600, flushed to the disk. Older ones than the last
            three are removed.
        """
        now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        target = self.backups / f"label_studio-{version}-{now}.sqlite3"
        with self._explained(), closing(sqlite3.connect(self.file)) as source:
            self.backups.mkdir(mode=0o700, exist_ok=True)
            for left in self.backups.glob(f"*{PART}"):  # copies are made under a lock
                left.unlink()
            with replacing(target) as part:
                _copy(source, part)
            flush(self.backups)
            for old in self.copies()[COPIES_KEPT:]:
                old.unlink()
        return target

    def set_answers(self, rows: Iterable[AnswerRow]) -> None:
        """Give answers what Label Studio's requests have no room for; it may run meanwhile."""
        values = [
            (_sql_time(r.created_at), _sql_time(r.updated_at), r.shown, r.nobody, r.id)
            for r in rows
        ]
        with self._opened() as connection, connection:
            connection.executemany(
                "UPDATE task_completion SET created_at = ?, updated_at = ?, "
                "prediction = COALESCE(?, prediction), "
                "completed_by_id = CASE WHEN ? THEN NULL ELSE completed_by_id END WHERE id = ?",
                values,
            )

    def copy_to(self, file: Path) -> None:
        """Copy it into one file of mode 0600, with what is still in its write-ahead log."""
        with self._explained(), closing(sqlite3.connect(self.file)) as source:
            _copy(source, file)

    def copies(self) -> list[Path]:
        """The copies, the newest first."""
        copies = self.backups.glob("label_studio-*.sqlite3")
        return sorted(copies, key=lambda file: file.stem.rpartition("-")[2], reverse=True)

    def way_back(self, version: str | None = None) -> str:
        """What to type to put the newest copy back, or that of a version; empty without one."""
        for copy in self.copies():
            of = copy.stem.removeprefix("label_studio-").rpartition("-")[0]
            if version in (None, of):
                file = shlex.quote(str(self.file))
                setting = "the version from before" if of == "unknown" else of
                return (
                    f"To go back to the copy from before: rm -f {file}-wal {file}-shm && "
                    f"cp {shlex.quote(str(copy))} {file}, and set label_studio.version to {setting}"
                )
        return ""

    def _too_new(self, last: str, version: str) -> ConfigError:
        back = self.way_back(version)
        return ConfigError(
            f"Label Studio {last} has used the database in {self.folder}, "
            f"and {version} is older: it would not know what it finds there",
            f"Set label_studio.version to {last}, or label_studio.command to one of that version."
            + (f" {back}; what was annotated since is not in it." if back else ""),
        )

    def _write_mark(self, number: int) -> None:
        with self._opened() as connection:
            connection.execute(f"PRAGMA user_version={number}")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with (
            self._explained(),
            closing(sqlite3.connect(self.file, timeout=LOCK_TIMEOUT)) as connection,
        ):
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            raise UnreachableError(
                f"Label Studio's database {self.file} cannot be read or copied: {error}",
                "Make room, or mend the access to its folder; then type the same command again.",
            ) from error
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"Label Studio's database {self.file} is damaged: {error}",
                self.way_back() or f"Put a copy of {self.folder} back.",
            ) from error


def _copy(source: sqlite3.Connection, target: Path) -> None:
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target)) as made:
        source.backup(made)
        made.execute("PRAGMA journal_mode=delete")  # so that it is one file
    flush(target)


def _sql_time(moment: str) -> str:
    """A time as Label Studio writes it into SQLite."""
    utc = datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(timezone.utc)
    return utc.strftime("%Y-%m-%d %H:%M:%S.%f")


def _number(version: str) -> int:
    """A release as one number, in the order of releases; what follows the third part is left."""
    parts = [int(part) for part in re.findall(r"\d+", version)[:3]]
    major, minor, patch = (*parts, 0, 0, 0)[:3]
    return major * 1_000_000 + minor * 1000 + patch


def _version_text(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
