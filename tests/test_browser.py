"""What people see: the labelling stream in a real browser."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import LABELS, Project, Server, write_photos
from install_browser import find_browser
from playwright.sync_api import Locator, Page, expect, sync_playwright

from annolooop.loop.infer import InferOptions, infer
from annolooop.loop.train import train
from annolooop.records import untracked

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHOTO_WIDTH = 96
SHOTS = os.environ.get("ANNOLOOP_TEST_SCREENSHOTS")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    executable = find_browser()
    assert executable, "no Chromium: run tests/install_browser.py"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        yield context.new_page()
        browser.close()


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")


def log_in(page: Page, server: Server) -> None:
    page.locator("input[name=email]").fill(server.username)
    page.locator("input[name=password]").fill(server.password)
    page.get_by_role("button", name="Log in").click()


def look(page: Page, before: str = "") -> tuple[str, str]:
    """Wait for the next picture and its pre-annotation; return its address and label."""
    found = page.wait_for_function(
        """([width, before]) => [...document.images]
            .filter(i => i.complete && i.naturalWidth === width && i.src !== before)
            .map(i => i.src)[0]""",
        arg=[PHOTO_WIDTH, before],
        timeout=60_000,
    )
    expect(page.locator("input[type=checkbox]:checked")).to_have_count(1, timeout=30_000)
    (label,) = (label for label in LABELS if choice(page, label).is_checked())
    return str(found.json_value()), label


def choice(page: Page, label: str) -> Locator:
    return page.get_by_role("checkbox", name=re.compile(rf"^{label}\b"))


def submit(page: Page) -> None:
    with page.expect_response(lambda answer: "/annotations" in answer.url) as waiting:
        page.locator("button[name=submit]").click()
    assert waiting.value.status == 201


def test_people_accept_one_prediction_and_override_another(
    project: Project, server: Server, page: Page
) -> None:
    train(project.stack(), False, untracked)
    names = ["what? 50% #1 + ünï.jpg", "aria & 'two'.jpg"]
    write_photos(project.folder / "b", names)
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    name = project.stack().config.dataset.name
    page.goto(project.run("dataset", "launch", name, "--no-browser").stdout.strip())
    log_in(page, server)

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
    project.run("up")
    project.run("train")
    write_photos(project.folder / "b", ["x.jpg"])
    project.run("infer", "--batch", "b")
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
