"""Another Label Studio on the same folder: people's work survives, and there is a way back."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from filelock import FileLock
from support.project import CACHE, LABELS, Project, free_port

from annolooop.config.schema import DEFAULT_LABEL_STUDIO
from annolooop.domain.tasks import Prediction
from annolooop.labelstudio.server.daemon import Daemon
from annolooop.labelstudio.server.database import Mark
from annolooop.labelstudio.server.install import ensure_environment

OLD = "1.22.0"


@pytest.fixture(scope="module")
def old_command() -> str:
    """An older Label Studio, kept between test runs."""
    return str(ensure_environment(CACHE / "label-studio", OLD, "tests", print))


@pytest.fixture(scope="module")
def old_folder(old_command: str, make_daemon: Callable[..., Daemon]) -> Path:
    """A data folder that it started on once, to copy; empty, and kept between test runs."""
    kept = CACHE / "folders" / OLD
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock"), TemporaryDirectory(dir=kept.parent) as part:
        if not kept.exists():
            daemon = make_daemon(Path(part) / "label-studio", Path(part) / "store")
            daemon = replace(daemon, command=old_command)
            daemon.start(print)
            daemon.stop()
            daemon.data_dir.rename(kept)
    return kept


@pytest.fixture
def old_project(tmp_path: Path, old_command: str, old_folder: Path) -> Iterator[Project]:
    """A project with a Label Studio of its own, not yet started, which is an older release."""
    shutil.copytree(old_folder, tmp_path / "annoloop-data" / "label-studio")
    made = Project(
        tmp_path,
        {
            "label_studio": {"port": free_port(), "command": old_command},
            "dataset": {"name": "kept over upgrades", "labels": LABELS},
            "cache_dir": str(tmp_path / "cache"),
        },
    )
    yield made
    daemon = made.stack().daemon
    assert daemon
    daemon.stop()


def annotations(project: Project) -> list[tuple[str, tuple[str, ...]]]:
    studio = project.stack().studio
    found = studio.projects.find("kept over upgrades")
    assert found
    assert found.annotations == 1
    pulled = studio.annotations.list(found.id, studio.annotations.changed_tasks(found.id))
    return [(annotation.key, annotation.labels) for annotation in pulled]


def test_upgrade_keeps_everything_and_can_be_undone(
    old_project: Project, label_studio_command: str
) -> None:
    project = old_project
    newer = ("up", "--set", f"label_studio.command={label_studio_command}")
    assert project.json("up")["version"] == OLD
    studio = project.stack().studio
    made = studio.projects.create("kept over upgrades", LABELS, "single")
    data = {"image": "/data/local-files/?d=1.jpg", "key": "images/1.jpg", "sha256": "00"}
    studio.tasks.create(made.id, [(data, Prediction(("aria",), 0.6))], "v1-aaaaaa")
    (task,) = studio.tasks.list(made.id)
    studio.annotations.create(made.id, task.id, ["not_aria"], 1.0)
    kept = [("images/1.jpg", ("not_aria",))]
    assert annotations(project) == kept

    # While the old one runs, it stays, and `up` says so.
    stayed = project.run(*newer).stderr
    assert f"Label Studio {OLD} runs, and the stack file names {DEFAULT_LABEL_STUDIO}" in stayed
    assert "annoloop down, then: annoloop up" in stayed

    # The new one, after a kill that left the annotation in the write-ahead log.
    daemon = project.stack().daemon
    assert daemon
    process = daemon.process()
    assert process
    os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)
    message = project.run(*newer).stderr
    (copy,) = daemon.database.copies()
    assert copy.name.startswith(f"label_studio-{OLD}-")
    assert str(copy) in re.sub(r"\n\s*", "", message)
    with closing(sqlite3.connect(copy)) as reader:
        assert reader.execute("SELECT count(*) FROM task_completion").fetchone() == (1,)
    assert annotations(project) == kept
    assert daemon.database.mark() == Mark(DEFAULT_LABEL_STUDIO, True)

    # Back again, by what the refusal says.
    project.json("down")
    refused = project.run("up", code=3).stderr
    back = re.search(r"(rm -f .* && cp .*), and set", refused.replace("\n", " "))
    assert back
    subprocess.run(back.group(1), shell=True, check=True)
    assert project.json("up")["version"] == OLD
    assert annotations(project) == kept

    # A folder of an annoloop that did not write the version yet.
    project.json("down")
    with closing(sqlite3.connect(daemon.database.file)) as connection:
        connection.execute("PRAGMA user_version=0")
    project.run(*newer)
    assert daemon.database.copies()[0].name.startswith("label_studio-unknown-")
    assert annotations(project) == kept
