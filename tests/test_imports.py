"""Asking for help or state must not pay for what it does not use."""

import subprocess
import sys

import pytest
from conftest import Project

CLOUDS = ("botocore", "google.auth", "azure.core")
LEARNING = ("torch", "torchvision", "sklearn", "scipy", "pandas", "plotly")
# The SDK only authenticates, and only those who have a personal access token.
SLOW = (*LEARNING, "label_studio_sdk", "fsspec", "asyncio", "filelock", "pygments", *CLOUDS)
HEAVY = (*SLOW, "numpy", "httpx")
STATE = (
    ["status"],
    ["sync"],
    ["stats"],
    ["dataset", "list"],
    ["dataset", "stats", "{dataset}"],
    ["model", "list"],
)
COMMANDS = (
    ["--help"],
    ["init", "--help"],
    ["up", "--help"],
    ["down", "--help"],
    ["status", "--help"],
    ["logs", "--help"],
    ["train", "--help"],
    ["infer", "--help"],
    ["sync", "--help"],
    ["stats", "--help"],
    ["report", "--help"],
    ["doctor", "--help"],
    ["demo", "--help"],
    ["simulate", "--help"],
    ["stack", "--help"],
    ["stack", "show", "--help"],
    ["stack", "check", "--help"],
    ["stack", "copy", "--help"],
    ["model", "--help"],
    ["model", "promote", "--help"],
    ["dataset", "--help"],
    ["dataset", "list", "--help"],
    ["dataset", "stats", "--help"],
    ["dataset", "launch", "--help"],
    ["dataset", "describe", "--help"],
    ["dataset", "duplicates", "--help"],
    ["dataset", "export", "--help"],
    ["dataset", "accept", "--help"],
    ["dataset", "review", "--help"],
    ["dataset", "curve", "--help"],
    ["dataset", "delete", "--help"],
    ["storage", "setup", "--help"],
    ["storage", "check", "--help"],
    ["cache", "--help"],
)
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


def loaded(words: list[str], cwd: str | None = None) -> set[str]:
    probe = PROBE.format(words=words, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=cwd
    )
    return set(done.stderr.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    assert loaded(words) == set()


def test_status_loads_nothing_heavy(own_project: Project) -> None:
    assert loaded(["status"], str(own_project.folder)) <= {"httpx"}


def test_state_is_told_without_what_learns_and_without_the_sdk(project: Project) -> None:
    project.json("train")
    name = str(project.stack().config.dataset.name)
    for words in STATE:
        typed = [word.format(dataset=name) for word in words]
        heavy = {*SLOW, "numpy"} if "stats" in words else {*SLOW}
        assert not heavy & loaded(typed, str(project.folder)), words
