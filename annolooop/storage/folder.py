"""The files of a folder of this machine, in the order that a bucket lists its objects."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress


def files_below(
    top: str, skip: Callable[[str], bool] = lambda path: False, links: bool = False
) -> Iterator[tuple[str, os.stat_result]]:
    """Files below a folder, as if all of their paths were sorted; links to folders are left out.

    Memory holds the names in one folder, and in those above it. What vanishes meanwhile is left
    out; so is what is no plain file.

    Args:
        top: the folder.
        skip: is told the path of each file and folder, and says whether to leave it out.
        links: also links to files.

    Yields:
        Path from the top on, with ``/``; and size, times and so on of the file.

    Raises:
        OSError: a folder cannot be read; ``FileNotFoundError`` or ``NotADirectoryError`` where
            the top is none.
    """
    return _below(f"{top}/", "", _names(top), skip, links)


def _below(
    top: str, path: str, names: list[str], skip: Callable[[str], bool], links: bool
) -> Iterator[tuple[str, os.stat_result]]:
    for name in names:
        below = path + name
        if name.endswith("/"):
            with suppress(FileNotFoundError, NotADirectoryError):
                if not skip(below[:-1]):
                    yield from _below(top, below, _names(top + below), skip, links)
        elif not skip(below):
            with suppress(FileNotFoundError):
                found = (os.stat if links else os.lstat)(top + below)
                if stat.S_ISREG(found.st_mode):
                    yield below, found


def _names(folder: str) -> list[str]:
    """What is in a folder, sorted; a folder's name ends in a slash, and is sorted with it."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in entries
        )
