"""The labelling page of our own server, in a real browser: nobody leaves the queue by accident."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from support.annotators import write_patterns
from support.browser_pages import log_in, look, open_page, shoot, submit
from support.project import Project, Server

from annolooop.loop.rounds.queue import rounds_of


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as opened:
        yield opened


def test_label_all_tasks_stays_in_the_queue(project: Project, server: Server, page: Page) -> None:
    """The large button above the tab of the queue, and what the page remembers of it."""
    write_patterns(project.folder / "b", [f"picture{n}.png" for n in range(9)])
    project.json("train")
    stream = project.json("infer", "--batch", "b", "--query", "4", "--strategy", "random")["url"]
    stack = project.stack()
    asked = rounds_of(stack, stack.config.dataset.name).latest()
    assert asked
    page.goto(stream)
    log_in(page, server.username, server.password)
    picture, _ = look(page)
    submit(page)
    look(page, before=picture)

    page.goto(stream.replace("&labeling=1", ""))
    page.get_by_role("button", name="Label All Tasks").click()
    picture, _ = look(page)
    shoot(page, "label-all-tasks")
    assert page.evaluate("localStorage.getItem('dm:labelstream:mode')") == "all"
    for _ in range(2):
        submit(page)
        picture, _ = look(page, before=picture)
    submit(page)
    expect(page.get_by_text("No More Tasks")).to_be_visible(timeout=30_000)
    project.json("sync")
    answers = sorted(project.stack().snapshots.latest().annotations, key=lambda one: one.id)
    assert [answer.task for answer in answers] == list(asked.query)
