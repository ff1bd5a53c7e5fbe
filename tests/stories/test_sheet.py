"""The contact sheet in a real browser: a person judges pages of images."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from support.browser_pages import open_page, shoot
from support.project import Project, Server
from support.sheet_pages import (
    enter,
    prepare,
    press_odd_ones,
    sheet_of,
    wait_for_page,
    wait_until_saved,
)


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as opened:
        yield opened


def answers_of(project: Project) -> dict[str, tuple[str, ...]]:
    """Key -> labels of its only answer."""
    project.json("sync")
    answers = project.stack().snapshots.latest().annotations
    assert len({answer.key for answer in answers}) == len(answers)
    return {answer.key: answer.labels for answer in answers}


def test_pages_are_judged_with_the_keyboard_and_one_is_taken_back(
    project: Project, server: Server, page: Page
) -> None:
    shows = prepare(project, 90, 20)
    page.set_viewport_size({"width": 700, "height": 520})
    with sheet_of(project) as url:
        enter(page, url, server)
        first = wait_for_page(page)
        shoot(page, "sheet")
        press_odd_ones(page)
        page.keyboard.press("Enter")
        second = wait_for_page(page, first)
        page.keyboard.press("Space")  # by mistake
        shoot(page, "sheet-changed")
        page.keyboard.press("Enter")
        wait_for_page(page, second)
        wait_until_saved(page)
        page.keyboard.press("u")
        expect(page.locator("#question")).to_have_attribute("data-page", second)
        expect(page.locator(".tile[data-changed]")).to_have_count(1)
        page.keyboard.press("Space")
        seen = second
        while True:
            press_odd_ones(page)
            page.keyboard.press("Enter")
            page.wait_for_timeout(300)
            if "Nothing is left" in page.locator("#question").inner_text():
                break
            seen = wait_for_page(page, seen)
        wait_until_saved(page)
        shoot(page, "sheet-done")
    answers = answers_of(project)
    assert {key: (shows[key],) for key in answers} == answers
    assert len(answers) > 60
