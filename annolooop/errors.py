"""Every error a user can meet: what went wrong and where, and the next command to type."""

import difflib
import errno
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT)  # the disk, or the quota


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The end of a message about an unknown name: the closest known one, if any is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {close[0]}?" if close else ""


def counted(number: int, noun: str) -> str:
    """A number of things, in words: 1 task, 2 tasks."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def install_extra(extra: str) -> str:
    """What to type for a package that only some need: in the way that annoloop was installed."""
    tool = (Path(sys.prefix) / "uv-receipt.toml").exists()  # which uv leaves in its tools
    return f"{'uv tool' if tool else 'pip'} install 'annolooop[{extra}]'"


def is_interrupt(error: BaseException) -> bool:
    """Whether it began as Ctrl-C: Python before 3.12, and libraries, wrap it in other errors."""
    seen: BaseException | None = error
    while seen and not isinstance(seen, KeyboardInterrupt):
        seen = seen.__cause__ or seen.__context__
    return seen is not None


@contextmanager
def keeping_interrupts() -> Iterator[None]:
    """A block that imports a large library, which may swallow Ctrl-C while it looks for others.

    Raises:
        KeyboardInterrupt: at the latest when the block ends.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    interrupted = False

    def note(number: int, frame: Any) -> None:
        nonlocal interrupted
        interrupted = True
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt


class AnnoloopError(Exception):
    """Base of all expected errors.

    Args:
        message: what went wrong, and where.
        hint: what to type or change next.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AnnoloopError):
    """The command line asks for something that does not exist (exit 2)."""

    exit_code = 2


class ConfigError(AnnoloopError):
    """The stack file, a variable it needs or an installed part is wrong (exit 3)."""

    exit_code = 3


class UnreachableError(AnnoloopError):
    """Label Studio or the artifact store does not answer as it should (exit 4)."""

    exit_code = 4


class DataError(AnnoloopError):
    """The data or the model does not allow it: too few labels, unreadable images (exit 5)."""

    exit_code = 5


class RefusedError(AnnoloopError):
    """Work that would lose answers which nobody agreed to lose (exit 6)."""

    exit_code = 6


class Stopped(Exception):
    """Work ends early, since other work beside it has failed or was interrupted. Nobody sees it."""
