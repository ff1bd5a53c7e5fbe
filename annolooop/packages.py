"""Python packages by uv, which is quick, or by pip; both take them from where pip is set to."""

import ast
import importlib.util
import os
import re
import shutil
import site
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import uv

from annolooop.errors import ConfigError, UnreachableError

# pip's setting -> uv's variable for the same, and what joins several values.
UV_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "constraint": ("UV_CONSTRAINT", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}
UV_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")


def find_uv() -> str | None:
    """Path of uv: the one that came with annoloop, or one on the PATH."""
    try:
        return uv.find_uv_bin()
    except FileNotFoundError:
        return shutil.which("uv")


def find_pip() -> list[str]:
    """What starts this interpreter's pip; empty where it has none.

    ``-I``: what lies in the working directory, and has the name of a module, is not run.
    """
    found = importlib.util.find_spec("pip")
    own = found and not str(found.origin).startswith(site.getusersitepackages())
    return [sys.executable, "-I", "-m", "pip"] if own else []


def own_command() -> list[str]:
    """What starts this program, with the modules that it has now, and none of other folders."""
    home, here = str(Path(__file__).parents[1]), str(Path.cwd())
    path = [home, *(p for p in sys.path if p not in ("", here, home))]
    code = f"import sys; sys.path[:] = {path!r}; from annolooop.__main__ import main; main()"
    return [sys.executable, "-I", "-c", code]


def download_wheel(requirement: str, folder: Path, say: Callable[[str], None]) -> None:
    """Fetch a package's wheel into a folder, without its dependencies; nothing is installed.

    Raises:
        UnreachableError: it could not be fetched.
        ConfigError: there is nothing to fetch it with.
    """
    runner = find_uv()
    if find_pip():
        pip = find_pip()
    elif runner:  # downloads nothing by itself, but can run pip
        pip = [runner, "tool", "run", "pip"]
    else:
        raise ConfigError(
            f"{requirement} could not be fetched: neither pip nor uv is here",
            "Install pip: python -m ensurepip",
        )
    fetch = [*pip, "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
    try:
        run_installer(fetch, say, f"{requirement} could not be fetched", "")
    except ConfigError as error:
        raise UnreachableError(
            error.message,
            "Check that the package index can be reached, then type the same command again.",
        ) from error


def run_installer(
    command: Sequence[str],
    say: Callable[[str], None],
    failure: str,
    hint: str,
    locked: bool = False,
) -> None:
    """Run pip or uv, printing how far it is.

    Args:
        command: to run.
        say: shows how far it is.
        failure, hint: of the error.
        locked: it installs a lock, whose versions no constraint of the machine may change.

    Raises:
        ConfigError: it failed.
    """
    # Settings of the environment we run in must not leak into the one that is being made.
    environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    if Path(command[0]).stem == "uv":
        environ = uv_environment(environ, pip_settings(environ))
    if locked:
        environ = {k: v for k, v in environ.items() if k not in ("UV_CONSTRAINT", "PIP_CONSTRAINT")}
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
        tail = "\n".join(f"  {_without_login(line)}" for line in lines[-8:])
        raise ConfigError(
            f"{failure}: {Path(command[0]).name} ended with {process.returncode}\n{tail}", hint
        )


def pip_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """What pip is set to by its files and variables, by option: ``index-url`` and the like.

    Where there is no pip to ask, only its variables are read.
    """
    pip = find_pip() or ["pip"]
    found = {
        f":env:.{name[4:].lower().replace('_', '-')}": value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }
    try:
        listed = subprocess.run(
            [*pip, "config", "list"], env=dict(environ), capture_output=True, text=True, timeout=60
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        listed = ""
    for line in listed.splitlines():
        name, equals, value = line.partition("=")
        if equals and value[:1] in "'\"":
            found[name] = str(ast.literal_eval(value))
    settings: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # later ones win
        for name, value in found.items():
            where, _, option = name.rpartition(".")
            if where == section:
                settings[option] = value
    return settings


def uv_environment(environ: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """An environment in which uv takes packages from where pip would take them.

    uv's own variables in ``environ`` stay. Addresses go this way because they may hold
    logins, which a command line would show to everybody on the machine.
    """
    variables = {
        variable: between.join(settings[option].split())
        for option, (variable, between) in UV_NAMES.items()
        if settings.get(option)
    }
    if any(environ.get(name) for name in UV_INDEXES):
        variables = {name: value for name, value in variables.items() if name not in UV_INDEXES}
    if "UV_INDEX" in variables:  # pip takes the newest of all indexes, and not the first one's
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {"UV_PYTHON_DOWNLOADS": "never", **variables, **environ}


def _without_login(line: str) -> str:
    return re.sub(r"(?<=://)[^/@\s]+@", "****@", line)
