"""Backups of the local Label Studio, in the store or beside its database."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from annolooop.errors import ConfigError, DataError, UsageError
from annolooop.files.names import typed_path
from annolooop.files.whole import make_folder
from annolooop.labelstudio.server.backup import put_back_backup, write_backup
from annolooop.labelstudio.server.daemon import Daemon
from annolooop.packages import own_command
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import BACKUPS

EVERY = timedelta(days=1)
NAME = re.compile(r"label-studio-([0-9a-f]{12})-(\d{8}T\d{6}Z)\.tar\.gz")


@dataclass(frozen=True)
class BackupRow:
    """One backup: a key of the store, or a file."""

    name: str
    created_at: str
    bytes: int


@dataclass(frozen=True)
class BackupListReport:
    """Backups that can be put back, the newest last."""

    backups: tuple[BackupRow, ...]


@dataclass(frozen=True)
class BackupReport:
    """The backup that was written; ``removed`` are older ones, ``kept`` those that there are."""

    name: str
    bytes: int
    removed: tuple[str, ...]
    kept: int
    seconds: float


@dataclass(frozen=True)
class PutBackReport:
    """A database that is what it was.

    Attributes:
        backup: that was put back.
        created_at: when it was written.
        version: of Label Studio then.
        kept: copy of the database before, if there was one.
    """

    backup: str
    created_at: str
    version: str
    kept: str


def backup(stack: Stack, out: Path | None, keep: int) -> BackupReport:
    """Write a backup; people may annotate meanwhile.

    Args:
        stack: the annotation loop.
        out: file to write; default: one in the store where that lies on other storage, else in the
            folder of the database.
        keep: how many of those without ``out`` are kept.

    Raises:
        ConfigError: someone else runs the server, or the file cannot be written.
        DataError: there is no database yet.
        UsageError: the file exists.
    """
    begun = time.monotonic()
    daemon = _require_daemon(stack)
    if out:
        file = typed_path(out).resolve()
        if file.exists():
            raise UsageError(f"--out {out} exists", "Name a file that does not exist yet.")
        if not file.parent.is_dir():
            raise UsageError(f"--out {out}: there is no folder {file.parent}", "Make it first.")
        write_backup(daemon.database, file)
        return BackupReport(str(file), file.stat().st_size, (), 0, _since(begun))
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    name = f"label-studio-{daemon.name}-{now}.tar.gz"
    written, store = f"{BACKUPS}/{name}", stack.store.local_path
    if not lies_elsewhere(stack):
        file = make_folder(daemon.database.backups) / name
        written = str(file)
        write_backup(daemon.database, file)
    elif store:
        file = make_folder(store / BACKUPS) / name
        write_backup(daemon.database, file)
    else:
        with TemporaryDirectory() as folder:
            file = Path(folder) / name
            write_backup(daemon.database, file)
            stack.store.put(written, file.read_bytes())
    mine = _own_backups(stack, daemon)
    old = mine[:-keep]
    for row in old:
        _remove(stack, row.name)
    size = next((row.bytes for row in mine if row.name == written), 0)
    removed = tuple(row.name for row in old)
    return BackupReport(written, size, removed, len(mine) - len(old), _since(begun))


def back_up_daily(stack: Stack, keep: int) -> BackupReport | None:
    """Write a backup unless the newest one is from today; ``None`` where it is."""
    daemon = _require_daemon(stack)
    mine = _own_backups(stack, daemon)
    if mine:
        age = datetime.now(timezone.utc) - datetime.fromisoformat(mine[-1].created_at)
        if timedelta(0) <= age < EVERY:
            return None
    return backup(stack, None, keep)


def daily_command(stack: Stack) -> list[str]:
    """What is typed to back up once a day."""
    options = ["--daily", "--stack", str(stack.loaded.file), "--quiet"]
    return [*own_command(), "backup", *options]


def lies_elsewhere(stack: Stack) -> bool:
    """Whether the store outlives the disk of Label Studio's database."""
    store, daemon = stack.store.local_path, stack.daemon
    if store is None or daemon is None:
        return True
    return _disk(store) != _disk(daemon.data_dir)


def list_backups(stack: Stack) -> BackupListReport:
    """The backups in the store, of any machine, and beside the database."""
    return BackupListReport(tuple(_backups(stack, _require_daemon(stack))))


def put_back(stack: Stack, backup: str) -> PutBackReport:
    """Make the local Label Studio what it was when a backup was written.

    Args:
        stack: the annotation loop.
        backup: a file, or a key of the store.

    Raises:
        ConfigError: the server runs, or someone else runs it.
        DataError: there is no such backup, or it is damaged; nothing was changed.
    """
    daemon = _require_daemon(stack)
    if daemon.process():
        raise ConfigError(
            f"Label Studio runs on {daemon.url}, and its database is to be replaced",
            f"Stop it first: annoloop down; then: annoloop restore {backup}",
        )
    make_folder(daemon.data_dir).chmod(0o700)
    file = typed_path(backup)
    with TemporaryDirectory() as folder:
        if not file.is_file():
            file = Path(folder) / Path(backup).name
            key = backup if backup.startswith(f"{BACKUPS}/") else f"{BACKUPS}/{backup}"
            try:
                file.write_bytes(stack.store.get(key))
            except KeyError:
                raise DataError(
                    f"there is no file {backup}, nor does the store have such a backup",
                    "See which backups there are: annoloop restore --list",
                ) from None
        from filelock import FileLock

        with FileLock(daemon.data_dir / "start.lock"):
            contents, kept = put_back_backup(daemon.database, file)
    return PutBackReport(backup, contents.created_at, contents.version, str(kept or ""))


def _require_daemon(stack: Stack) -> Daemon:
    if stack.daemon is None:
        raise ConfigError(
            f"Label Studio at {stack.config.label_studio.url} keeps its database where it runs",
            "Ask whoever runs it for backups. The answers of a snapshot can be restored from here: "
            "annoloop restore",
        )
    return stack.daemon


def _backups(stack: Stack, daemon: Daemon) -> list[BackupRow]:
    """Backups by time, the newest last."""
    stored = ((item.key, item.size) for item in stack.store.walk(BACKUPS))
    files = ((str(f), f.stat().st_size) for f in daemon.database.backups.glob("*.tar.gz"))
    return sorted(_rows([*stored, *files]), key=lambda row: (row.created_at, row.name))


def _own_backups(stack: Stack, daemon: Daemon) -> list[BackupRow]:
    """Those of this server, likewise."""
    return [row for row in _backups(stack, daemon) if daemon.name in row.name]


def _rows(named: Iterable[tuple[str, int]]) -> Iterable[BackupRow]:
    for name, size in named:
        match = NAME.fullmatch(Path(name).name)
        if match:
            at = datetime.strptime(match[2], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
            yield BackupRow(name, at.isoformat(), size)


def _remove(stack: Stack, name: str) -> None:
    if name.startswith(f"{BACKUPS}/"):
        stack.store.delete(name)
    else:
        Path(name).unlink(missing_ok=True)


def _disk(path: Path) -> int:
    while not path.exists():
        path = path.parent
    return path.stat().st_dev


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
