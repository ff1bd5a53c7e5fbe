"""Python packages by pip or uv, whichever is there."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from annolooop.errors import ConfigError


def download_wheel(requirement: str, folder: Path, say: Callable[[str], None]) -> None:
    """Fetch a package's wheel into a folder, without its dependencies; nothing is installed.

    Raises:
        ConfigError: it could not be fetched.
    """
    uv = shutil.which("uv")
    if importlib.util.find_spec("pip"):
        pip = [sys.executable, "-m", "pip"]
    elif uv:  # downloads nothing by itself, but can run pip
        pip = [uv, "tool", "run", "pip"]
    else:
        raise ConfigError(
            f"{requirement} could not be fetched: neither pip nor uv is here",
            "Install pip: python -m ensurepip",
        )
    run_installer(
        [*pip, "download", "--quiet", "--no-deps", "--dest", str(folder), requirement],
        say,
        f"{requirement} could not be fetched",
        "Check that the package index can be reached, then type the same command again.",
    )


def run_installer(
    command: Sequence[str], say: Callable[[str], None], failure: str, hint: str
) -> None:
    """Run pip or uv, telling how far it is.

    Raises:
        ConfigError: it failed.
    """
    # Settings of the environment we run in must not leak into the one that is being made.
    environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ConfigError(f"{failure}: {error}", hint) from error
    collected = 0
    assert process.stdout is not None
    with process, process.stdout as output:
        for line in output:
            lines.append(line.rstrip())
            if line.startswith("Collecting "):
                collected += 1
                if collected % 40 == 0:
                    say(f"  {collected} packages found …")
            elif line.startswith("Installing collected packages"):
                say(f"  installing {line.count(',') + 1} packages …")
            elif re.match(r"(Resolved|Prepared|Installed) \d+ packages", line):
                say(f"  {line.strip()}")
    if process.returncode:
        tail = "\n".join(f"  {line}" for line in lines[-8:])
        raise ConfigError(
            f"{failure}: {Path(command[0]).name} ended with {process.returncode}\n{tail}", hint
        )
