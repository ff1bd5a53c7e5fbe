"""Look after a server's backups while it runs.

`annoloop up` starts this file as a process of its own, by its path, so that it loads next to
nothing: it types one command every hour, which itself decides whether a day is over.
"""

import subprocess
import sys
import time

import psutil

SECONDS_BETWEEN_COMMANDS = 3600.0
SECONDS_BEFORE_THE_FIRST = 300.0
SECONDS_BETWEEN_LOOKS = 5.0  # at whether the server runs


def watch(pid: int, command: list[str], first: float, every: float, look: float) -> None:
    """Run a command again and again, until a process ends.

    Args:
        pid: of the process.
        command: its words.
        first, every, look: seconds before the first run, between two runs, and between two looks
            at the process.
    """
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    due = time.time() + first
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.time() >= due:  # by the clock, which goes on while a laptop sleeps
            subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
            due = time.time() + every
        time.sleep(look)


if __name__ == "__main__":
    watch(
        int(sys.argv[1]),
        sys.argv[2:],
        SECONDS_BEFORE_THE_FIRST,
        SECONDS_BETWEEN_COMMANDS,
        SECONDS_BETWEEN_LOOKS,
    )
