"""The files of a local folder, in the order in which a bucket lists its objects."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from errno import ENAMETOOLONG
from pathlib import Path
from typing import Any


class Folder:
    """What a store needs of a file system; that of fsspec takes longer to load than to use.

    Every method raises ``OSError``.
    """

    def _strip_protocol(self, path: str) -> str:
        return Path(path).absolute().as_posix()

    def cat_file(self, path: str) -> bytes:
        """The bytes of a file."""
        return Path(path).read_bytes()

    def info(self, path: str) -> dict[str, Any]:
        """Size, time of the last change, and whether it is a file."""
        info = Path(path).stat()
        kind = "file" if stat.S_ISREG(info.st_mode) else "other"
        return {"size": info.st_size, "mtime": info.st_mtime, "type": kind}

    def rm_file(self, path: str) -> None:
        """Remove a file."""
        Path(path).unlink()

    def rm(self, path: str, recursive: bool) -> None:
        """Remove a file, or a folder with all that is in it; of a link, the link alone."""
        if recursive and Path(path).is_dir() and not Path(path).is_symlink():
            shutil.rmtree(path)
        else:
            Path(path).unlink()


def files_below(
    top: str,
    skip: Callable[[str], bool] = lambda path: False,
    follow: Callable[[str], bool] = lambda path: False,
    lost: Callable[[str, str], None] | None = None,
) -> Iterator[tuple[str, os.stat_result]]:
    """Files below a folder, as if all of their paths were sorted; links to folders are left out.

    Memory holds the names in one folder and in those above it. Files that vanish meanwhile are
    left out, and so is all that is not a plain file: the reader of a pipe would wait for ever.

    Args:
        top: the folder.
        skip: whether to leave out the file or folder of a path.
        follow: whether to take the file that the link of a path leads to.
        lost: called with the path of each folder (it ends in a slash) and file that cannot be read
            or is not a plain file, and why; without it, a folder that cannot be read is an error.

    Yields:
        Path from the top on, with ``/``; and size, times and so on of the file.

    Raises:
        OSError: a folder cannot be read; ``FileNotFoundError`` or ``NotADirectoryError`` where
            ``top`` is not a folder.
    """

    def below(path: str, names: list[str]) -> Iterator[tuple[str, os.stat_result]]:
        for name in names:
            inner = path + name
            if skip(inner.rstrip("/")):
                continue
            within: list[str] = []
            info = None
            try:
                if name.endswith("/"):
                    within = _names(f"{top}/{inner}")
                else:
                    info = _look(top, inner, follow, lost)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if not lost:
                    raise
                lost(inner, error.strerror or str(error))
            if info:
                yield inner, info
            yield from below(inner, within)

    return below("", _names(top))


def file_or_below(root: str, path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Files below a folder, by their path from the root on; or the file itself, if it is one.

    Raises:
        OSError: as for :func:`files_below`.
    """
    whole = f"{root}/{path}" if path else root
    try:
        info = os.stat(whole)  # noqa: PTH116
    except OSError as error:
        if error.errno == ENAMETOOLONG:  # so there is nothing of this name
            return
        raise
    if stat.S_ISREG(info.st_mode):
        yield path, info
        return
    for name, info in files_below(whole):
        yield f"{path}/{name}" if path else name, info


def _look(
    top: str,
    path: str,
    follow: Callable[[str], bool],
    lost: Callable[[str, str], None] | None,
) -> os.stat_result | None:
    """The state of a file; ``None`` if it is left out."""
    info = os.lstat(f"{top}/{path}")
    link = stat.S_ISLNK(info.st_mode)
    if link:
        try:
            info = os.stat(f"{top}/{path}")  # noqa: PTH116
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)
            if lost:
                lost(path, "the link leads nowhere" if gone else error.strerror or str(error))
            return None
    if stat.S_ISREG(info.st_mode):
        return info if not link or follow(path) else None
    if lost and not stat.S_ISDIR(info.st_mode):
        lost(path, "it is not a plain file")
    return None


def _names(folder: str) -> list[str]:
    """What is in a folder, sorted; a folder's name ends in a slash, and is sorted with it."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in entries
        )
