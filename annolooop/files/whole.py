"""Files of this machine that appear whole, or not at all."""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from annolooop.errors import ConfigError

PART = ".part"  # ends the name of a file that is being written
OWNER_ONLY = stat.S_IRUSR | stat.S_IWUSR
ABANDONED = 86_400.0  # seconds after which nobody writes to it any more
_OURS = re.compile(rf"\.[0-9a-f]{{16}}{re.escape(PART)}")


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A place beside a file to write to; when the block ends without an error, it becomes the file.

    Each call has a place of its own, so two that write the same file do not mix what they write.
    The name is short whatever that of the file, and nothing is left of a block that fails.
    """
    part = part_of(file)
    try:
        yield part
        part.replace(file)
    finally:
        with suppress(OSError):  # which would hide the error of the block
            part.unlink(missing_ok=True)


def part_of(file: Path) -> Path:
    """A name in the same folder that nobody else has, to write to before it becomes the file."""
    return file.with_name(f".{secrets.token_hex(8)}{PART}")


def make_folder(folder: Path, shared: bool = False) -> Path:
    """Make a folder that a setting names, or one inside it, unless it exists. Returns it.

    Args:
        folder: what is made of it and above it is for this account alone, whatever the umask.
        shared: the umask decides: it belongs to a store, which others may use too.

    Raises:
        ConfigError: it cannot be made, or nothing can be written into it.
    """
    try:
        if shared:
            folder.mkdir(parents=True, exist_ok=True)
        else:
            make_private(folder)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "this account may not write to it"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise ConfigError(
            f"the folder {folder} cannot be used: {reason}",
            "Make it writable, or name another one. See the settings: annoloop stack show",
        )
    return folder


def make_private(folder: Path) -> None:
    """Make a folder, and those above it, that only this account may use, unless they exist.

    Raises:
        OSError: it cannot be made.
    """
    for path in reversed((folder, *folder.parents)):
        if not path.exists():
            path.mkdir(OWNER_ONLY | stat.S_IXUSR, exist_ok=True)
            path.chmod(OWNER_ONLY | stat.S_IXUSR)
    folder.mkdir(exist_ok=True)  # an error where it is something else


def open_private(file: Path, mode: str) -> IO[str]:
    """Open a file to write text, which only this account may read, whatever was there before."""
    file.touch(OWNER_ONLY)
    file.chmod(OWNER_ONLY)
    return file.open(mode, encoding="utf-8")


def flush(path: Path) -> None:
    """Flush a file, or the list of names in a folder, to the disk."""
    if os.name == "nt" and path.is_dir():  # cannot be opened there, and need not be
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def is_abandoned(name: str, mtime: float) -> bool:
    """Whether a killed writer left this file, judged by its name and time of change."""
    return bool(_OURS.fullmatch(name)) and time.time() - mtime > ABANDONED


def remove_abandoned(folder: Path) -> None:
    """Remove the files that killed writers left in a folder."""
    for file in folder.glob(f".*{PART}"):
        with suppress(FileNotFoundError):  # another process removed or finished it
            if is_abandoned(file.name, file.stat().st_mtime):
                file.unlink()


def write_file(path: Path, data: bytes, replace: bool) -> bool:
    """Write a file, flushed to the disk, before it gets its name.

    Args:
        replace: whether it may take the place of another one.

    Returns:
        Whether it was written.

    Raises:
        OSError: it cannot be; never that a file exists, which callers take for another writer's.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        why = os.strerror(errno.ENOTDIR)
        raise NotADirectoryError(errno.ENOTDIR, why, str(path.parent)) from error
    if not replace and path.exists():
        return False
    part = part_of(path)
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
            return True
        return _publish(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _publish(part: Path, path: Path) -> bool:
    """Give a finished file its name, unless the name is taken; as one step."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError:
        # A file system without hard links: claim the name, then fill it at once.
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR))
        except FileExistsError:
            return False
        part.replace(path)
    return True
