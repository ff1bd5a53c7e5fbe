"""The contact sheet, served, and what a person sees and presses on it."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect
from support.browser_pages import log_in
from support.project import Project, Server, free_port
from support.shapes import SHAPES, write_shapes

SHAPES_SEEN = """() => [...document.querySelectorAll(".tile img")].map((image) => {
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const paint = canvas.getContext("2d");
    paint.drawImage(image, 0, 0);
    const [red, , blue] = paint.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
    return red > blue ? "circle" : "square";
})"""
ALL_LOADED = """before => document.querySelector("#question").dataset.page !== before
    && document.querySelector(".tile")
    && [...document.querySelectorAll(".tile img")].every(i => i.complete && i.naturalWidth)"""
SAVED = "() => !JSON.parse(sessionStorage.getItem('annoloop-outbox') ?? '[]').length"


@contextmanager
def sheet_of(project: Project, *words: str, port: int = 0) -> Iterator[str]:
    """The address of a sheet while it is served."""
    number = str(port or free_port())
    with served(project, "dataset", "sheet", "--port", number, *words) as url:
        yield url


@contextmanager
def served(project: Project, *words: str) -> Iterator[str]:
    """The address that a command prints; the block's end presses Ctrl+C."""
    running = subprocess.Popen(
        project.command(*words, "--no-browser"),
        cwd=project.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr
    try:
        lines = list[str]()
        for line in running.stderr:
            lines.append(line)
            if found := re.findall(r"judge: (http\S+)", line):
                yield found[0]
                break
        else:
            raise AssertionError("".join(lines))
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(20)


def prepare(project: Project, photos: int, labelled: int) -> dict[str, str]:
    """A trained version, and tasks that nobody touched. Returns key -> what the image shows."""
    dataset = {**project.values["dataset"], "labels": list(SHAPES)}  # type: ignore[dict-item]
    project.write({**project.values, "dataset": dataset, "train": {"holdout": 0.2}})
    written = write_shapes(project.folder / "b", photos)
    shows = {f"images/b/{name}": shape for name, shape in written.items()}
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


def enter(page: Page, url: str, server: Server) -> None:
    """Log in to Label Studio, then open the sheet."""
    page.goto(f"{server.url}/projects/")
    log_in(page, server.username, server.password)
    page.wait_for_url("**/projects/")
    page.goto(url)


def wait_for_page(page: Page, before: str = "") -> str:
    """Wait until the pictures of a page are there; what tells it from others."""
    page.wait_for_function(ALL_LOADED, arg=before, timeout=30_000)
    return str(page.locator("#question").get_attribute("data-page"))


def odd_ones(page: Page) -> list[int]:
    """Places of tiles that show something else than the page asks about."""
    asked = page.locator("#question").inner_text().removeprefix("All ").removesuffix("?")
    return [at for at, seen in enumerate(page.evaluate(SHAPES_SEEN)) if seen != asked]


def press_odd_ones(page: Page) -> int:
    """Go to each odd one with the arrows, and press space. Returns how many there were."""
    odd, at = odd_ones(page), 0
    for place in odd:
        for _ in range(place - at):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        at = place
    return len(odd)


def wait_until_saved(page: Page) -> None:
    page.wait_for_function(SAVED, timeout=30_000)
    expect(page.locator("#trouble")).to_be_hidden()
