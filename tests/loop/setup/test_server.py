"""Up, down, status and logs of a server that someone else runs."""

from pathlib import Path

import pytest
from support.fake_label_studio import FakeLabelStudio, project_on
from support.project import Project, free_port

from annolooop.errors import ConfigError
from annolooop.loop.setup.server import down, logs, status, up


@pytest.fixture
def project(fake: FakeLabelStudio, tmp_path: Path) -> Project:
    fake.answer("GET", "/api/version", {"release": "1.20"})
    fake.answer("GET", "/api/current-user/whoami", {"email": "ann@example.org"})
    return project_on(fake, tmp_path)


def test_server_of_someone_else_is_only_looked_at(fake: FakeLabelStudio, project: Project) -> None:
    report = up(project.stack(), print)
    assert (report.started, report.pid, report.credentials) == (False, None, None)
    assert (report.url, report.version, report.username) == (fake.url, "1.20", "ann@example.org")
    assert report.refreshed is None


def test_what_the_page_of_a_server_of_someone_else_does_not_do_is_said_once(
    project: Project,
) -> None:
    missing = " ".join(up(project.stack(), print).missing)
    assert "Label Tasks As Displayed" in missing
    assert "Space does not submit there" in missing
    assert "one_key" not in missing
    (line,) = up(project.stack("dataset.one_key=true"), print).missing[2:]
    assert line.startswith("dataset.one_key does nothing there")
    out, _ = project.printed("up")
    assert "someone else runs this server" in out
    assert project.json("up")["missing"]


def test_credentials_are_refreshed_for_each_project_that_shows_the_store(
    fake: FakeLabelStudio, project: Project
) -> None:
    raw = {"id": 7, "created_at": "1", "title": "dogs", "label_config": "<View/>"}
    fake.answer("GET", "/api/projects", {"results": [raw], "next": None})
    assert up(project.stack(), print, refresh_storage=True).refreshed == 0  # a folder has none


def test_server_of_someone_else_is_not_stopped(project: Project) -> None:
    with pytest.raises(ConfigError, match="was not started by annoloop"):
        down(project.stack())


def test_log_of_someone_elses_server_is_not_here(project: Project) -> None:
    with pytest.raises(ConfigError, match="keeps its log where it runs"):
        logs(project.stack(), 10)


def test_status_of_someone_elses_server(fake: FakeLabelStudio, project: Project) -> None:
    report = status(project.stack())
    assert (report.running, report.url, report.version, report.ours) == (
        True,
        fake.url,
        "1.20",
        False,
    )


def test_status_of_a_server_that_does_not_answer_is_no_error(project: Project) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    report = status(project.stack(f"label_studio.url={url}"))
    assert (report.running, report.url, report.version) == (False, url, None)


def test_status_of_our_server_before_the_first_start(project: Project) -> None:
    project.values["label_studio"] = {"port": free_port(), "data_dir": "label-studio"}
    project.write(project.values)
    report = status(project.stack())
    assert (report.running, report.pid, report.ours) == (False, None, True)
    assert report.data_dir == str(project.folder / "label-studio")
