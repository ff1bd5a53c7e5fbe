"""What people see: the labelling stream in a real browser."""

import json
import os
import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest
from conftest import LABELS, Project, Server, write_photos
from pages import choice, log_in, look, open_page, shoot, submit
from playwright.sync_api import Page, expect

from annolooop.loop.infer import InferOptions, infer
from annolooop.loop.train import train
from annolooop.records import untracked


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as opened:
        yield opened


def test_people_accept_one_prediction_and_override_another(
    project: Project, server: Server, page: Page
) -> None:
    train(project.stack(), False, untracked)
    names = ["what? 50% #1 + ünï.jpg", "aria & 'two'.jpg"]
    write_photos(project.folder / "b", names)
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    name = project.stack().config.dataset.name
    page.goto(project.run("dataset", "launch", name, "--no-browser").stdout.strip())
    log_in(page, server.username, server.password)

    picture, accepted = look(page)
    shoot(page, "stream")
    submit(page)
    _, overridden = look(page, before=picture)
    (other,) = (label for label in LABELS if label != overridden)
    choice(page, other).click()
    expect(choice(page, other)).to_be_checked()
    shoot(page, "override")
    submit(page)

    report = project.json("sync")
    assert (report["created"], report["labeled"]) == (2, 2)
    annotations = project.stack().snapshots.latest().annotations
    said = sorted((a.shown, a.labels) for a in annotations)
    assert said == sorted([((accepted,), (accepted,)), ((overridden,), (other,))])
    stats = project.json("stats")
    assert stats["labeled"] == 2
    assert stats["model_versions"][stats["model_version"]] == {
        "predictions": 2,
        "accepted": 1,
        "overridden": 1,
    }


def test_launch_opens_the_stream_logged_in(own_project: Project, page: Page) -> None:
    project = own_project
    project.json("up")
    project.json("train")
    write_photos(project.folder / "b", ["x.jpg"])
    project.json("infer", "--batch", "b")
    asked = project.folder / "asked"
    browser = project.folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {asked}.part && mv {asked}.part {asked}\n')
    browser.chmod(0o755)
    launch = subprocess.Popen(
        project.command("dataset", "launch", "aria_detector", "--json"),
        cwd=project.folder,
        env={**os.environ, "BROWSER": f"{browser} %s"},
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not asked.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    address = asked.read_text().strip()
    page.goto(address)
    assert json.loads(launch.communicate(timeout=30)[0])["opened"] is True
    look(page)
    assert page.url.startswith(project.json("status")["url"])
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)
