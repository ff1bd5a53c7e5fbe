"""An environment of its own for Label Studio, whose pins fit no other one."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from annolooop.packages import run_installer

SIZE = "about 1 GB"
OTHER_WAY = (
    "Check that the package index can be reached, then type the same command again; or install "
    "Label Studio yourself and name its executable: label_studio.command in the stack file"
)


def ensure_environment(root: Path, version: str, user: str, say: Callable[[str], None]) -> Path:
    """Install Label Studio into ``root/<version>`` unless it is there.

    Args:
        root: folder of all such environments, in the cache.
        version: Label Studio's version, for example ``1.23.2``.
        user: who uses it, a plain name; see :func:`release_environment`.
        say: told what is going on.

    Returns:
        The path of its ``label-studio`` executable.

    Raises:
        ConfigError: the installation failed; the installer's last lines are in the message.
    """
    folder = root / version
    executable = _scripts(folder) / "label-studio"
    users = folder / "users"  # made last: an environment without it is not complete
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / f"{version}.lock"):
        if not (users.exists() and executable.exists()):
            if folder.exists():
                shutil.rmtree(folder)
            say(f"Installing Label Studio {version} into {folder} ({SIZE}, once) …")
            _install(folder, version, say)
            users.mkdir()
        (users / user).touch()
    return executable


def release_environment(root: Path, version: str, user: str) -> Path | None:
    """Say that a user no longer needs an environment; the last one's leaving removes it.

    Returns:
        The folder that was removed, if it was.
    """
    folder = root / version
    users = folder / "users"
    if not users.exists():
        return None
    with FileLock(root / f"{version}.lock"):
        (users / user).unlink(missing_ok=True)
        if any(users.iterdir()):
            return None
        shutil.rmtree(folder)
    return folder


def _scripts(folder: Path) -> Path:
    return folder / ("Scripts" if os.name == "nt" else "bin")


def _install(folder: Path, version: str, say: Callable[[str], None]) -> None:
    python = str(_scripts(folder) / "python")
    wanted = f"label-studio=={version}"
    uv = shutil.which("uv")
    if uv:
        steps = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--python", python, wanted],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", str(folder)],
            [python, "-m", "pip", "install", "--no-input", "--progress-bar", "off", wanted],
        ]
    for step in steps:
        run_installer(step, say, f"Label Studio {version} could not be installed", OTHER_WAY)
