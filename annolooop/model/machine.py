"""What this process may use of the machine: cores and memory. Needs no torch."""

import math
import os
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Cores that the process may use: those it may run on, those it gets time of, at least 1.

    ``OMP_NUM_THREADS`` lowers it, as it does for everything that computes.
    """
    may = getattr(os, "sched_getaffinity", None)
    allowed = [len(may(0)) if may else os.cpu_count() or 1]
    quota = _cpu_quota()
    if quota is not None:
        allowed.append(math.ceil(quota))
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal():
        allowed.append(int(asked))
    return max(1, min(allowed))


def free_memory() -> int:
    """Bytes that the process may still take, of the machine's and of the container's limit."""
    free = [int(psutil.virtual_memory().available)]
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        numbers = [_number(CGROUP / name) for name in (limit, used)]
        if numbers[0] is not None and numbers[1] is not None:
            free.append(max(0, numbers[0] - numbers[1]))
    return min(free)


def _cpu_quota() -> float | None:
    """Cores' worth of time that the container may use; ``None`` where it is not bounded."""
    words = _text(CGROUP / "cpu.max").split()
    if len(words) == 2 and words[0].isdecimal():
        return int(words[0]) / int(words[1])
    quota = _number(CGROUP / "cpu/cpu.cfs_quota_us")
    period = _number(CGROUP / "cpu/cpu.cfs_period_us")
    return quota / period if quota and period else None


def _number(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text.isdecimal() else None  # not "max", not -1


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
