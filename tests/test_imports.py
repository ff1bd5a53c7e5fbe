"""Asking for help or state must not pay for what it does not use."""

import pytest
from support.imports import SLOW, loaded
from support.project import Project

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
