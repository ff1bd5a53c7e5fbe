"""A new user, who reads only what is printed and shown: from photographs to a report."""

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page
from support.browser_pages import open_page, shoot, task_with_picture
from support.project import CACHE, free_port

SHAPES = ("circle", "square")
RED = """() => {
    const image = document.querySelector(".annoloop-picture img");
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const paint = canvas.getContext("2d");
    paint.drawImage(image, 0, 0);
    const [red, , blue] = paint.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
    return red > blue;
}"""


def write_shapes(folder: Path, count: int) -> None:
    """Red circles and blue squares, each on a coarse pattern of its own; no name says which."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        ground = Image.fromarray(rng.integers(60, 200, (6, 6, 3), np.uint8))
        photo = ground.resize((320, 240), Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(photo)
        size = int(rng.integers(40, 90))
        box = (160 - size, 120 - size, 160 + size, 120 + size)
        if rng.random() < 0.5:
            draw.ellipse(box, fill=(220, int(rng.integers(90)), 40))
        else:
            draw.rectangle(box, fill=(40, int(rng.integers(90)), 220))
        photo.save(folder / f"IMG_{number:04d}.jpg")


class User:
    """Types commands in a terminal, follows the browser, and labels what it shows.

    Args:
        folder: where commands are typed.
        page: of the browser.
    """

    def __init__(self, folder: Path, page: Page) -> None:
        self.folder, self.page, self.labelled = folder, page, 0
        self.asked = folder.parent / "opened"
        browser = folder.parent / "browser"
        browser.write_text(
            f'#!/bin/sh\necho "$1" > {self.asked}.part && mv {self.asked}.part {self.asked}\n'
        )
        browser.chmod(0o755)
        cache = folder.parent / "cache"
        (cache / "annoloop").mkdir(parents=True)
        (cache / "annoloop" / "label-studio").symlink_to(CACHE / "label-studio")
        self.env = {
            **os.environ,
            "BROWSER": f"{browser} %s",
            "XDG_CACHE_HOME": str(cache),
            "XDG_DATA_HOME": str(folder.parent / "data"),
        }
        # The machine that runs the tests may have somebody's Label Studio at the usual port.
        self.port = f"label_studio.port={free_port()}"

    def type(self, command: str, *answers: str) -> str:
        """Run a command, answer what it asks, and go where the browser is sent. What is printed."""
        self.asked.unlink(missing_ok=True)
        words = [*shlex.split(command)[1:], "--set", self.port]
        keyboard, terminal = pty.openpty()
        os.write(keyboard, "".join(f"{answer}\n" for answer in answers).encode())
        running = subprocess.Popen(
            [sys.executable, "-m", "annolooop", *words],
            cwd=self.folder,
            env=self.env,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while running.poll() is None:
            if self.asked.exists():
                self.page.goto(self.asked.read_text().strip())
                self.asked.unlink(missing_ok=True)
            self.page.wait_for_timeout(50)
        assert running.stdout
        printed = running.stdout.read()
        os.close(keyboard)
        os.close(terminal)
        assert running.returncode == 0, printed
        return printed

    def label(self) -> int:
        """Press the key of what the picture shows, then the space bar, until no task is left."""
        number, task = 0, 0
        while True:
            self.page.wait_for_function(
                "before => document.body.innerText.includes('No More Tasks') "
                "|| Number(window.Htx?.task?.id) !== before && window.Htx?.task?.id",
                arg=task,
                timeout=60_000,
            )
            if "No More Tasks" in self.page.inner_text("body"):
                return number
            task = task_with_picture(self.page, task)
            self.page.keyboard.press("1" if self.page.evaluate(RED) else "2")
            self.page.keyboard.press("Space")
            number += 1


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as opened:
        yield opened


def next_command(printed: str) -> str:
    (line,) = re.findall(r"^next: (.*?)(?:  .*)?$", printed, re.MULTILINE)
    return str(line)


@pytest.mark.timeout(600)
def test_from_photographs_to_a_report(
    tmp_path: Path, label_studio_command: str, migrated: Path, page: Page
) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    write_shapes(folder / "photos", 60)
    user = User(folder, page)
    try:
        printed = user.type("annoloop start photos", "", ",".join(SHAPES))
        assert "60 images, 50 of them to label first" in printed
        assert user.label() == 50
        printed = user.type(next_command(printed))
        assert re.search(r"learnt: v2-\w+ from 50 labels", printed)
        assert user.label() == 10
        printed = user.type(next_command(printed))
        assert "to label: nothing: every image is labelled or skipped" in printed
        assert next_command(printed) == "annoloop report"
        printed = user.type("annoloop report")
        (file,) = re.findall(r"^(\S+\.html): ", printed, re.MULTILINE)
        page.goto((folder / file).as_uri())
        shoot(page, "new-user-report")
    finally:
        user.type("annoloop down")
