"""The contact sheet in a real browser: a person judges pages of images."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect
from support.browser_pages import log_in, open_page, shoot
from support.project import Project, Server, free_port
from support.shapes import SHAPES, write_shapes


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as opened:
        yield opened


@contextmanager
def sheet_of(project: Project, *words: str) -> Iterator[str]:
    """The address of a sheet while it is served."""
    port = free_port()
    running = subprocess.Popen(
        project.command("dataset", "sheet", "--no-browser", "--port", str(port), *words),
        cwd=project.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr
    try:
        line = next(line for line in running.stderr if "http" in line)
        yield re.findall(r"http\S+", line)[0]
    finally:
        running.terminate()
        running.wait(20)


def prepare(project: Project, photos: int, labelled: int) -> dict[str, str]:
    """A trained version, and tasks that nobody touched. Returns key -> what the image shows."""
    dataset = {**project.values["dataset"], "labels": list(SHAPES)}  # type: ignore[dict-item]
    project.write({**project.values, "dataset": dataset})
    shows = {
        f"images/b/{name}": shape
        for name, shape in write_shapes(project.folder / "b", photos).items()
    }
    project.json("train")
    project.json("infer", "b")
    stack = project.stack()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    for task in list(stack.studio.tasks.list(found.id))[:labelled]:
        stack.studio.annotations.create(found.id, task.id, [shows[task.key]], 1.0)
    project.json("train", "--rerun")
    project.json("infer", "--rerun")
    return shows


def test_page_is_judged_by_keyboard(project: Project, server: Server, page: Page) -> None:
    shows = prepare(project, 60, 20)
    with sheet_of(project) as url:
        page.goto(f"{project.stack().studio.connection.pages}/projects/")
        log_in(page, server.username, server.password)
        page.wait_for_url("**/projects/")
        page.goto(url)
        expect(page.locator(".tile").first).to_be_visible(timeout=20_000)
        page.wait_for_timeout(1000)
        shoot(page, "sheet")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        shoot(page, "sheet-changed")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.wait_for_timeout(2500)
        shoot(page, "sheet-2")
    print(project.json("stats"))
    assert shows
    assert 0
