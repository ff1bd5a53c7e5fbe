"""What people see and do on Label Studio's labelling page, in a real browser."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from install_browser import find_browser
from playwright.sync_api import Locator, Page, Response, expect, sync_playwright
from support.project import LABELS

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
NEXT = "id=next_task"
SHOTS = os.environ.get("ANNOLOOP_TEST_SCREENSHOTS")


@contextmanager
def open_page() -> Iterator[Page]:
    """An empty page of a browser that nobody has used."""
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


def log_in(page: Page, username: str, password: str) -> None:
    page.locator("input[name=email]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")  # on a phone, the button is covered


def look(page: Page, before: str = "", seconds: float = 60) -> tuple[str, str]:
    """Wait for the next picture and its pre-annotation; return its address and label."""
    found = page.wait_for_function(
        """([width, before]) => [...document.images]
            .filter(i => i.complete && i.naturalWidth === width && i.src !== before)
            .map(i => i.src)[0]""",
        arg=[PHOTO_WIDTH, before],
        timeout=1000 * seconds,
    )
    expect(page.locator("input[type=radio]:checked")).to_have_count(1, timeout=30_000)
    (label,) = (label for label in LABELS if choice(page, label).is_checked())
    return str(found.json_value()), label


def note_served(page: Page) -> list[Response]:
    """Answers of the server that tell which task comes next; more follow as they arrive."""
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if NEXT in answer.url else None)
    return answers


def choice(page: Page, label: str) -> Locator:
    return page.get_by_role("radio", name=re.compile(rf"^{label}\b"))


def submit(page: Page) -> None:
    with page.expect_response(lambda answer: "/annotations" in answer.url) as waiting:
        page.locator("button[name=submit]").click()
    assert waiting.value.status == 201


def task_with_picture(page: Page, before: int = 0) -> int:
    """Wait for the picture of a task, until it is painted; return the task's id."""
    found = page.wait_for_function(
        """before => {
            const image = document.querySelector(".annoloop-picture img"), store = window.Htx;
            const task = Number(store?.task?.id), there = image?.complete && image.naturalWidth;
            return task && task !== before && there && !store.isLoading && task
        }""",
        arg=before,
        timeout=60_000,
        polling="raf",
    )
    frames = (
        "new Promise(r => { let n = 3; const f = () => n-- ? requestAnimationFrame(f) : r(); f() })"
    )
    page.evaluate(frames)
    return int(found.json_value())
