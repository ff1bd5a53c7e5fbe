"""Checks of each part that the loop needs; one that fails keeps no other from running."""

import shutil
from collections import namedtuple
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
from support.fake_label_studio import FakeLabelStudio, project_on
from support.project import Project, free_port

from annolooop.errors import ConfigError
from annolooop.loop.setup import doctor as module
from annolooop.loop.setup.checks import Check
from annolooop.loop.setup.doctor import doctor
from annolooop.stack import Stack

Usage = namedtuple("Usage", "free")


@pytest.fixture
def project(fake: FakeLabelStudio, tmp_path: Path) -> Project:
    fake.answer("GET", "/api/current-user/whoami", {"email": "ann@example.org"})
    fake.answer("GET", "/api/projects", {"results": [], "next": None})
    return project_on(fake, tmp_path)


def answer_version(fake: FakeLabelStudio, ahead: float = 0.0) -> None:
    date = datetime.now(timezone.utc) + timedelta(seconds=ahead)
    fake.answer("GET", "/api/version", {"release": "1.20"}, Date=format_datetime(date, usegmt=True))


def checks(project: Project) -> dict[str, Check]:
    return {check.name: check for check in doctor(project.stack).checks}


def test_all_parts_are_checked(fake: FakeLabelStudio, project: Project) -> None:
    answer_version(fake)
    found = checks(project)
    assert found["label studio"].detail == f"1.20 at {fake.url}"
    assert found["token"].detail == "token of ann@example.org"
    assert found["image"].detail == "there is no task yet whose image could be shown"
    assert {"python", "stack file", "store", "disk", "clock", "weights", "device"} <= found.keys()


def test_stack_file_that_is_wrong_ends_the_checks() -> None:
    def broken() -> Stack:
        raise ConfigError("it is wrong", "Mend it.")

    report = doctor(broken)
    assert [check.name for check in report.checks] == ["python", "stack file"]
    assert report.exit_code == 3


def test_checks_that_need_a_server_are_left_out_without_one(project: Project) -> None:
    project.values["label_studio"] = {"port": free_port(), "data_dir": "label-studio"}
    project.write(project.values)
    found = checks(project)
    assert (found["label studio"].status, found["label studio"].fix) == (
        "fail",
        "Start it: annoloop up",
    )
    assert not {"token", "clock", "image"} & found.keys()
    assert "device" in found


def test_clock_that_is_wrong_is_a_warning(fake: FakeLabelStudio, project: Project) -> None:
    answer_version(fake, ahead=600)
    assert checks(project)["clock"].status == "warn"


@pytest.mark.parametrize(("free", "status"), [(1e8, "fail"), (1e9, "warn"), (1e11, "ok")])
def test_room_on_the_disk(
    fake: FakeLabelStudio,
    project: Project,
    free: float,
    status: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_version(fake)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(free))
    assert checks(project)["disk"].status == status


def test_package_that_is_not_installed_is_named(
    fake: FakeLabelStudio, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_version(fake)
    monkeypatch.setattr(module, "PACKAGES", ("annolooop", "no-such-package"))
    found = checks(project)["python"]
    assert (found.status, found.detail) == ("fail", "no-such-package is not installed")


def test_weights_that_have_to_be_downloaded_are_a_warning(
    fake: FakeLabelStudio, project: Project
) -> None:
    answer_version(fake)
    found = checks(project)["weights"]
    assert (found.status, found.fix) == ("warn", "Fetch them now: annoloop train")


def test_page_in_the_place_of_an_image_is_a_failure(
    fake: FakeLabelStudio, project: Project
) -> None:
    answer_version(fake)
    config = (
        '<View><Image name="image" value="$image"/><Choices name="label" toName="image">'
        '<Choice value="a"/></Choices></View>'
    )
    raw = {"id": 7, "created_at": "1", "title": "cats", "label_config": config}
    data = {"image": "/data/x.jpg", "key": "images/x.jpg"}
    taken = {"results": [raw], "next": None}
    fake.answer("GET", "/api/projects", taken)
    fake.answer("GET", "/api/projects", taken)
    fake.studio.projects.list()  # takes the empty answer that was prepared first
    fake.answer("GET", "/api/tasks", {"tasks": [{"id": 1, "data": data}], "total": 1})
    fake.answer("GET", "/api/tasks/1", {"data": data})
    fake.answer("GET", "/data/x.jpg", "<html>", Content_Type="text/html")
    found = checks(project)["image"]
    assert found.status == "fail"
    assert found.detail.startswith("Label Studio answers with text/html")
