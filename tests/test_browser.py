"""What people see: the labelling stream in a real browser."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project, Server, write_photos
from install_browser import find_browser
from playwright.sync_api import Page, expect, sync_playwright

from annolooop.loop.infer import infer
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


def test_people_accept_one_prediction_and_override_another(
    project: Project, server: Server, page: Page
) -> None:
    train(project.stack(), False, untracked)
    write_photos(project.folder / "b", ["what? 50% #1 + ünï.jpg", "aria two.jpg"])
    version = infer(project.stack(), str(project.folder / "b"), False, untracked).model_version
    stack = project.stack()
    name = stack.config.dataset.name
    predicted = {
        task.key: stack.studio.look(task.id)[1][version]
        for task in stack.studio.tasks(stack.studio.find_project(name).id)  # type: ignore[union-attr]
    }
    address = project.run("dataset", "launch", name, "--no-browser").stdout.strip()

    page.goto(address)
    page.locator("input[name=email]").fill(server.username)
    page.locator("input[name=password]").fill(server.password)
    page.get_by_role("button", name="Log in").click()

    answered: dict[str, str] = {}
    for turn in ("accept", "override"):
        picture = page.locator("img[alt=image], .lsf-image-view img, [class*=image] img").first
        expect(picture).to_be_visible(timeout=60_000)
        page.wait_for_function(
            "() => [...document.images].some(i => i.naturalWidth === 96 && i.complete)"
        )
        checked = page.locator("input[type=checkbox]:checked, input[type=radio]:checked")
        expect(checked).to_have_count(1, timeout=30_000)
        shoot(page, turn)
        break
    assert predicted
    assert answered is not None
