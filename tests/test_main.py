"""The entry point: closed streams, and locales of other encodings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.project import Project, write_photos
from support.trained_dataset import TrainedDataset

from annolooop.packages import own_command

OWN_PATH = f"import sys; sys.path[:] = {[p for p in sys.path if p]!r}; "
# A locale whose encoding is not UTF-8, as Python takes it where it is not told otherwise.
OTHER_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, {"dataset": {"name": "größe 中", "labels": ["a", "b"]}})


def shell(project: Project, line: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of the shell, in which $ANNOLOOP is the program."""
    program = " ".join(project.command())
    return subprocess.run(
        ["sh", "-c", line.replace("$ANNOLOOP", program)],
        cwd=project.folder,
        env={**os.environ, **env},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_lead_nowhere(project: Project, closed: str) -> None:
    done = shell(project, f"$ANNOLOOP stack show {closed}; echo $? > code")
    assert (project.folder / "code").read_text().strip() == "0"
    assert b"Traceback" not in done.stderr


def test_nothing_is_written_into_files_that_take_the_place_of_closed_streams(
    project: Project,
) -> None:
    shell(project, "$ANNOLOOP stack copy annoloop other >&- 2>&-")
    written = (project.folder / "other.annoloop.yaml").read_bytes()
    assert written.splitlines() == project.file.read_bytes().splitlines()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_cannot_print_is_escaped(project: Project, encoding: str) -> None:
    done = shell(project, "$ANNOLOOP stack show", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    shown = "größe \\u4e2d" if encoding == "latin-1" else "gr\\xf6\\xdfe \\u4e2d"
    assert shown in done.stdout.decode(encoding)
    report = shell(project, "$ANNOLOOP stack show --json", PYTHONIOENCODING=encoding)
    values = [row["value"] for row in json.loads(report.stdout.decode(encoding))["settings"]]
    assert "größe 中" in values


def test_names_are_the_same_in_every_locale(project: Project) -> None:
    (project.folder / "ü.annoloop.yaml").write_bytes(project.file.read_bytes())
    for env in ({}, OTHER_LOCALE):
        done = shell(project, "$ANNOLOOP stack check --stack ü --json", **env)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["file"] == "ü.annoloop.yaml"


@pytest.mark.slow
def test_image_has_one_key_in_every_locale(tmp_path: Path) -> None:
    dataset = TrainedDataset(tmp_path, count=15)
    write_photos(tmp_path / "fotos", ["größe.png"])
    uploaded = [
        dataset.project.typed("infer", "--batch", "fotos", "--no-push", **env)["uploaded"]
        for env in ({}, OTHER_LOCALE)
    ]
    assert uploaded == [1, 0]
    assert dataset.stack().catalog.get("images/fotos/größe.png")


def test_files_of_the_working_directory_are_no_modules(project: Project) -> None:
    for name in ("csv", "yaml", "typer", "logging", "pip", "dotenv", "traceback"):
        (project.folder / f"{name}.py").write_text(f"open({name!r} + '.ran', 'w')\n")
    project.run("stack", "show")
    project.run("stats", code=4)
    assert pip_settings_in(project) == 0
    assert not list(project.folder.glob("*.ran"))


def pip_settings_in(project: Project) -> int:
    """Ask this machine's pip in the project's folder; the exit code."""
    code = "from annolooop.packages import pip_settings; import os; pip_settings(os.environ)"
    done = subprocess.run(
        [*own_command()[:2], "-c", OWN_PATH + code], cwd=project.folder, check=False
    )
    return done.returncode


def test_own_command_runs_this_program_and_no_other(project: Project) -> None:
    (project.folder / "csv.py").write_text("open('ran', 'w')\n")
    command = [*own_command(), "stack", "show"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, check=True)
    assert b"annoloop.yaml, chosen by its name" in done.stdout
    assert not (project.folder / "ran").exists()


def test_folder_that_was_removed_is_an_error(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    project = Project(tmp_path, {})
    done = shell(project, "cd here && rmdir ../here && $ANNOLOOP stack list")
    assert done.returncode == 2
    assert done.stderr == b"error: the folder that you are in was removed\nfix:   Go home: cd\n"
