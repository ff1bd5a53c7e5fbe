"""An environment of its own for Label Studio, whose pins fit no other one."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from annolooop.errors import ConfigError
from annolooop.files.remove import remove_own
from annolooop.files.whole import make_folder
from annolooop.packages import find_uv, run_installer

SIZE = "about 1 GB"
LOCKS = Path(__file__).parent / "locks"
LAUNCHER = Path(__file__).parent / "inside" / "launcher.py"
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
        say: shows what is going on.

    Returns:
        The path of its ``label-studio`` executable.

    Raises:
        ConfigError: the installation failed; the installer's last lines are in the message.
    """
    from filelock import FileLock

    folder = root / version
    executable = _scripts(folder) / "label-studio"
    users = folder / "users"  # made last: an environment without it is not complete
    begun = root / f"{version}.begun"  # the folder is ours, whatever is missing in it
    make_folder(root)
    with FileLock(root / f"{version}.lock"):
        if not (users.exists() and executable.exists()):
            if folder.exists() or folder.is_symlink():
                remove_own(folder, users if users.exists() else begun)
            begun.touch()
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
    from filelock import FileLock

    folder = root / version
    users = folder / "users"
    if not users.exists():
        return None
    with FileLock(root / f"{version}.lock"):
        (users / user).unlink(missing_ok=True)
        if any(users.iterdir()):
            return None
        remove_own(folder, users)
        (root / f"{version}.begun").unlink(missing_ok=True)
    return folder


def installed_version(executable: Path) -> str | None:
    """Version of the Label Studio that an executable belongs to, without starting it.

    Returns:
        ``None`` where the Python that it runs with, or the package in it, is not found.
    """
    python = _interpreter(executable)
    pythons = [*([python] if python else []), executable.resolve().parent / "python"]
    question = "from importlib.metadata import version; print(version('label-studio'))"
    for python in pythons:
        try:
            done = subprocess.run(
                [python, "-I", "-c", question],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip()
    return None


def lock_file(version: str) -> Path:
    """Where the lock of a version is, for this Python on this kind of machine, if there is one.

    It names each package with the hashes of its files; `deploy/lock_label_studio.py` writes it.
    """
    python = f"{sys.implementation.name}{sys.version_info.major}{sys.version_info.minor}"
    system = platform.libc_ver()[0] or platform.system().lower()
    return LOCKS / f"{version}-{python}-{system}-{platform.machine().lower()}.txt"


def command_of(executable: Path) -> list[str]:
    """What starts an executable: Python by itself, so that no other folder's modules are run.

    Our settings are put on top of Label Studio's then; what is no script of Python has its own.
    """
    python = _interpreter(executable)
    return (
        [str(python), "-I", "-u", str(LAUNCHER), str(executable)] if python else [str(executable)]
    )


def has_our_pages(command: str | None) -> bool:
    """Whether our settings are put on top of the Label Studio that this command starts.

    Args:
        command: an executable; ``None`` for the one that annoloop installs.
    """
    return command is None or _interpreter(Path(command).expanduser()) is not None


def _interpreter(executable: Path) -> Path | None:
    """The Python that the first line of an executable names, where it names one by its path."""
    with executable.open("rb") as file:
        first = file.readline(1000).decode(errors="replace").strip()
    python = Path(first[2:].strip())
    named = first.startswith("#!/") and python.name.startswith("python") and python.exists()
    return python if named else None


def _scripts(folder: Path) -> Path:
    return folder / ("Scripts" if os.name == "nt" else "bin")


def _install(folder: Path, version: str, say: Callable[[str], None]) -> None:
    python = str(_scripts(folder) / "python")
    lock = lock_file(version)
    locked = lock.is_file()
    what = [f"label-studio=={version}"]
    if locked:  # what it names and nothing else, whatever the index offers meanwhile
        what = ["--require-hashes", "-r", str(lock)]
    failure = f"Label Studio {version} could not be installed"
    uv = find_uv()
    if uv:
        try:
            make = [uv, "venv", "--quiet", "--python", sys.executable, str(folder)]
            run_installer(make, say, failure, OTHER_WAY)
            fill = [uv, "pip", "install", "--python", python, *what]
            run_installer(fill, say, failure, OTHER_WAY, locked)
            return
        except ConfigError as error:
            say(f"{error.message}\nTrying again with pip …")
            shutil.rmtree(folder, ignore_errors=True)
    for step in (
        [sys.executable, "-I", "-m", "venv", str(folder)],
        [python, "-I", "-m", "pip", "install", "--no-input", "--progress-bar", "off", *what],
    ):
        run_installer(step, say, failure, OTHER_WAY, locked)
