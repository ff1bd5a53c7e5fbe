"""Processes of this machine: found by a variable, ended."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from annolooop.errors import UnreachableError
from annolooop.files.whole import open_private

SECONDS_TO_STOP = 20.0


def find_process(variable: str, value: str) -> psutil.Process | None:
    """Another process that has this variable in its environment, whoever started it."""
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            if process.environ().get(variable) == value:
                return process
        except (psutil.Error, OSError):
            continue
    return None


def start_apart(command: Sequence[str], log: Path, variable: str, value: str) -> bool:
    """Start a process that outlives this one, unless another has this variable.

    Args:
        command: its words.
        log: file for what it prints.
        variable, value: in its environment.

    Returns:
        Whether it was started.
    """
    if find_process(variable, value):
        return False
    with open_private(log, "w") as file:
        subprocess.Popen(
            command,
            env={**os.environ, variable: value},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return True


def has_ended(process: psutil.Process) -> bool:
    """Whether a process runs no more."""
    # A child of ours that ended would otherwise stay a zombie and look alive.
    if isinstance(process, psutil.Popen):
        process.poll()
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def end_process(process: psutil.Process) -> None:
    """Ask a process to end, and make it after a while.

    Raises:
        UnreachableError: it does not.
    """
    for signal in (process.terminate, process.kill):
        try:
            signal()
        except psutil.NoSuchProcess:
            return
        try:
            process.wait(SECONDS_TO_STOP)
            return
        except psutil.TimeoutExpired:
            if has_ended(process):  # and nobody took notice of its end
                return
    raise UnreachableError(
        f"Label Studio's process {process.pid} does not end", f"End it: kill -9 {process.pid}"
    )
