"""One file with everything that a local Label Studio has: database, uploads, login, secret key.

It is a compressed tar with these members, and our mark, by which it is known again:

    annoloop-backup.json    label_studio.sqlite3    credentials.json    .env    media/...
"""

import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from annolooop.errors import ConfigError, DataError, UnreachableError
from annolooop.files.whole import PART, flush, replacing
from annolooop.labelstudio.server.database import Database

MARK = "annoloop-backup.json"
DATABASE = "label_studio.sqlite3"
FILES = ("credentials.json", ".env")
MEDIA = "media"


@dataclass(frozen=True)
class Contents:
    """What a backup says of itself.

    Attributes:
        created_at: ISO 8601.
        version: of Label Studio; empty where it is not known.
    """

    created_at: str
    version: str


def write_backup(database: Database, file: Path) -> Contents:
    """Write a backup; Label Studio may run, and people may annotate.

    Args:
        database: of the server, in its data folder.
        file: to write, of mode 0600.

    Raises:
        DataError: there is no database, or it is damaged.
        ConfigError: the file cannot be written.
    """
    if not database.filled:
        raise DataError(
            f"there is no Label Studio database in {database.folder} yet", "Start it: annoloop up"
        )
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    contents = Contents(now, database.mark().version or "")
    with _explained(file), _temporary_folder(database.folder) as folder:
        copy = folder / DATABASE
        database.copy_to(copy)
        with replacing(file) as part:
            part.touch(mode=0o600)
            with tarfile.open(part, "w:gz", compresslevel=3) as tar:
                mark = json.dumps(asdict(contents)).encode()
                member = tarfile.TarInfo(MARK)
                member.size, member.mode = len(mark), 0o600
                tar.addfile(member, BytesIO(mark))
                tar.add(copy, DATABASE)
                for name in FILES:
                    if (database.folder / name).is_file():
                        tar.add(database.folder / name, name)
                if (database.folder / MEDIA).is_dir():
                    tar.add(database.folder / MEDIA, MEDIA)
            flush(part)
    return contents


def read_backup(file: Path) -> Contents:
    """What a file says of itself; nothing is unpacked.

    Raises:
        DataError: it is no backup.
        ConfigError: it cannot be read.
    """
    with _explained(file), _opened(file) as tar:
        return _contents(tar, file)


def put_back_backup(database: Database, file: Path) -> tuple[Contents, Path | None]:
    """Make a data folder what it was when a backup was written. No server may run on it.

    The database before is copied into the folder's backups, and uploads that are not in the backup
    stay. The new database takes its place last.

    Returns:
        What the backup says of itself, and the copy of the database before, if there was one.

    Raises:
        DataError: it is no backup, or its database is damaged; nothing was changed.
        ConfigError: it cannot be read, or the folder cannot be written.
    """
    with _explained(file), _opened(file) as tar, _temporary_folder(database.folder) as folder:
        contents = _contents(tar, file)
        _unpack(tar, folder, file)
        _check(folder / DATABASE, file)
        kept = database.copy(database.mark().version or "unknown") if database.filled else None
        for source in sorted((folder / MEDIA).rglob("*")):
            target = database.folder / source.relative_to(folder)
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
        for name in FILES:
            if (folder / name).is_file():
                (folder / name).chmod(0o600)
                (folder / name).replace(database.folder / name)
        for ending in ("-wal", "-shm"):  # they belong to the database before
            Path(f"{database.file}{ending}").unlink(missing_ok=True)
        (folder / DATABASE).replace(database.file)
        flush(database.folder)
    return contents, kept


def _contents(tar: tarfile.TarFile, file: Path) -> Contents:
    try:
        member = tar.extractfile(MARK)
        assert member
        return Contents(**json.loads(member.read(10_000)))
    except (KeyError, AssertionError, ValueError, TypeError, RecursionError):
        raise _no_backup(file) from None


def _unpack(tar: tarfile.TarFile, folder: Path, file: Path) -> None:
    """Unpack the members that a backup has; links and other names are refused."""
    for member in tar:
        top = Path(member.name).parts[:1]
        known = member.name in (MARK, DATABASE, *FILES) or top == (MEDIA,)
        if not known or not (member.isfile() or member.isdir()):
            raise _no_backup(file)
        tar.extract(member, folder, filter="data")


def _check(database: Path, file: Path) -> None:
    try:
        with closing(sqlite3.connect(database)) as connection:
            answer = connection.execute("PRAGMA quick_check").fetchone()[0]
            connection.execute("SELECT COUNT(*) FROM task_completion")
    except sqlite3.Error as error:
        answer = str(error)
    if answer != "ok":
        raise DataError(
            f"the database in {file} is damaged: {answer}", "Take another: annoloop restore --list"
        )


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:gz") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise _no_backup(file) from error


def _no_backup(file: Path) -> DataError:
    return DataError(
        f"{file} is not a file that `annoloop backup` wrote, or it is damaged",
        "See which backups there are: annoloop restore --list",
    )


@contextmanager
def _temporary_folder(beside: Path) -> Iterator[Path]:
    """A folder on the same disk as the database, readable by its owner alone."""
    folder = Path(mkdtemp(prefix=".backup-", suffix=PART, dir=beside))
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, UnreachableError):
        raise
    except OSError as error:
        if isinstance(error, tarfile.ReadError) or "gzip" in str(error).lower():
            raise _no_backup(file) from None
        raise ConfigError(
            f"{error.filename or file}: {error.strerror or error}",
            "Name another file, or make room; then type the same command again.",
        ) from error
