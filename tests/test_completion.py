"""What the shell offers after Tab, asked as the shells ask."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.imports import HEAVY
from support.project import Project

PROGRAM = "import sys; sys.argv[0] = 'annoloop'; from annolooop.cli import main; main()"
PROBE = f"""
import atexit, sys
atexit.register(lambda: open("loaded", "w").write(" ".join(sys.modules)))
{PROGRAM}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Project:
    """Two stacks; a store with two datasets, of which one has versions and a name with a space."""
    project = Project(tmp_path, {"dataset": {"name": "my birds"}})
    (tmp_path / "night.annoloop.yaml").write_text("dataset: {name: moths}\n")
    models = tmp_path / "annoloop-data" / "store" / "models"
    (models / "moths").mkdir(parents=True)
    versions = models / "my birds" / "versions"
    versions.mkdir(parents=True)
    for number in (1, 2):
        record = {"head": f"models/x/heads/{number}abcdef0.safetensors", "created_at": "2026-01-02"}
        (versions / f"{number:06d}.json").write_text(json.dumps(record))
    return project


def ask(project: Project, line: str, probe: str = PROGRAM, **env: str) -> list[str]:
    """Ask as Bash does, with the cursor at the end of the line."""
    words = f"annoloop {line}".split(" ")
    asked = {
        "_ANNOLOOP_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    return offered(project, asked | env, probe)


def offered(project: Project, env: dict[str, str], probe: str = PROGRAM) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=project.folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.slow
def test_names_are_offered_where_they_are_asked_for(folder: Project) -> None:
    assert ask(folder, "stack use ") == ["annoloop", "night"]
    assert ask(folder, "stack copy ni") == ["night"]
    assert ask(folder, "train --stack ni") == ["night"]
    assert ask(folder, "model promote v") == ["v2-2abcde", "v1-1abcde"]
    assert ask(folder, "model show v1") == ["v1-1abcde"]
    assert ask(folder, "dataset stats ") == [r"my\ birds", "moths"]
    assert ask(folder, "dataset launch mo") == ["moths"]
    assert ask(folder, "stats --stack night ") == ["moths", r"my\ birds"]
    assert ask(folder, "model show --stack night ") == []
    zsh = {"_ANNOLOOP_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "annoloop dataset stats "}
    assert "my birds" in "".join(offered(folder, zsh))


@pytest.mark.slow
def test_keys_and_values_of_set_are_offered(folder: Project) -> None:
    assert "store.url=" in ask(folder, "up --set ")
    assert ask(folder, "up --set train.se") == ["train.seed="]
    values = [f"infer.device={value}" for value in ("auto", "cpu", "cuda", "mps")]
    assert ask(folder, "up --set infer.dev") == values
    assert ask(folder, "up --set infer.device=a") == values[:1]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_itself_completes_words_that_it_splits(folder: Project) -> None:
    program = folder.folder / "annoloop"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    script = """
    source <(_ANNOLOOP_COMPLETE=source_bash annoloop)
    ask() {
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _annoloop_completion annoloop; echo "${COMPREPLY[*]}"
    }
    ask annoloop up --set infer.device = a
    ask annoloop up --set = infer.device =
    ask annoloop up --set = infer.dev
    ask annoloop dataset stats my
    ask annoloop dataset stats "'my"
    ask annoloop up --stack = ni
    ask annoloop sta
    """
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder.folder,
        env={**os.environ, "PATH": f"{folder.folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "auto",
        "auto cpu cuda mps",
        "infer.device=auto infer.device=cpu infer.device=cuda infer.device=mps",
        r"my\ birds",
        "my birds",
        "night",
        "start stats status stack",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [", "dataset stats "),
        ("dataset: {name: '${file:gone}'}", "dataset stats "),
        ("a: 1\na: 2", "model show "),
        ("dataset: {name: [x]}", "model promote v"),
    ],
)
def test_what_is_broken_offers_nothing_and_says_nothing(
    folder: Project, text: str, line: str
) -> None:
    folder.file.write_text(text)
    (folder.folder / ".env").write_text("this is = no {{ dotenv\n'")
    assert ask(folder, line) == []
    (folder.folder / ".annoloop-stack").write_text("gone")
    assert ask(folder, line) == []


def test_version_is_not_told_in_the_middle_of_a_line(folder: Project) -> None:
    assert ask(folder, "--version tra") == ["train"]


def test_name_that_the_shell_cannot_be_told_is_left_out(folder: Project) -> None:
    models = folder.folder / "annoloop-data" / "store" / "models"
    for name in ("Käfer", "two\nlines"):
        (models / name).mkdir()
    assert ask(folder, "dataset stats ", PYTHONIOENCODING="ascii") == [r"my\ birds", "moths"]
    assert "Käfer" in ask(folder, "dataset stats ", PYTHONIOENCODING="utf-8")


def test_damaged_record_of_a_version_hides_only_itself(folder: Project) -> None:
    versions = folder.folder / "annoloop-data" / "store" / "models" / "my birds" / "versions"
    (versions / "000002.json").write_text("{")
    assert ask(folder, "model show ") == ["v1-1abcde"]


def test_completion_loads_nothing_heavy_and_opens_no_secret(folder: Project) -> None:
    folder.write(
        {
            "label_studio": {"url": "${NOT_SET}", "api_key": "${keyring:a/b}"},
            "dataset": {"name": "my birds"},
        }
    )
    for line, found in (("dataset stats ", "moths"), ("model show ", "v1-1abcde")):
        assert found in ask(folder, line, PROBE)
        loaded = set((folder.folder / "loaded").read_text().split())
        assert not loaded & {*HEAVY, "keyring", "httpx"}
