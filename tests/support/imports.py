"""Every command of the app, and which slow packages it has loaded."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import typer.main

from annolooop.cli import app

CLOUDS = ("botocore", "google.auth", "azure.core")
LEARNING = ("torch", "torchvision", "sklearn", "scipy", "pandas", "plotly", "jinja2")
# The SDK only authenticates, and only those who have a personal access token.
SLOW = (*LEARNING, "label_studio_sdk", "fsspec", "asyncio", "filelock", "pygments", *CLOUDS)
HEAVY = (*SLOW, "numpy", "httpx")
PROBE = """
import sys
sys.argv = ["annoloop", *{words!r}]
from annolooop.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
sys.stderr.write("LOADED " + " ".join(m for m in {heavy!r} if m in sys.modules))
"""


HELP_PROBE = """
import contextlib, io, json, sys
from annolooop.cli import app
heavy = {{}}
for words in {commands!r}:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        app([*words, "--help"], prog_name="annoloop")
    if loaded := [m for m in {heavy!r} if m in sys.modules]:
        heavy[" ".join(words)] = loaded
sys.stderr.write("LOADED " + json.dumps(heavy))
"""


def commands() -> list[list[str]]:
    """The words of every command and group, from the app itself."""

    def walk(command: Any, words: list[str]) -> Iterator[list[str]]:
        yield words
        for name, below in getattr(command, "commands", {}).items():
            yield from walk(below, [*words, name])

    return list(walk(typer.main.get_command(app), []))


def loaded_by_help(commands: list[list[str]]) -> dict[str, list[str]]:
    """Command -> heavy packages that were loaded when its help had been printed.

    One process prints the help of all of them, so what one loads is there for the next ones too.
    """
    probe = HELP_PROBE.format(commands=commands, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    answer: dict[str, list[str]] = json.loads(done.stderr.rpartition("LOADED ")[2])
    return answer


def loaded(words: list[str], cwd: str | None = None) -> set[str]:
    probe = PROBE.format(words=words, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=cwd
    )
    return set(done.stderr.rpartition("LOADED ")[2].split())
