"""The contact sheet in a real browser: a person judges pages of images."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from install_browser import find_browser
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.annotators import PASSWORD, sign_up
from support.browser_pages import FLAGS, log_in, shoot
from support.project import Project, Server, free_port
from support.sheet_pages import (
    SHAPES_SEEN,
    enter,
    odd_ones,
    prepare,
    press_odd_ones,
    served,
    sheet_of,
    wait_for_page,
    wait_until_saved,
)


@pytest.fixture
def browser() -> Iterator[Browser]:
    executable = find_browser()
    assert executable, "no Chromium: run tests/install_browser.py"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 700, "height": 520})


def finish(page: Page, before: str = "") -> None:
    """Judge pages until nothing is left, and wait until all of it is saved."""
    while True:
        question = page.locator("#question")
        page.wait_for_function(
            "before => document.querySelector('#question').dataset.page !== before "
            "|| document.querySelector('.done')",
            arg=before,
        )
        if page.locator(".done").count():
            break
        before = wait_for_page(page, before)
        press_odd_ones(page)
        page.keyboard.press("Enter")
    expect(question).to_have_text("Nothing is left to judge")
    wait_until_saved(page)


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
        press_odd_ones(page)
        page.keyboard.press("Enter")
        finish(page, second)
        shoot(page, "sheet-done")
    answers = answers_of(project)
    assert {key: (shows[key],) for key in answers} == answers
    assert len(answers) > 60
    ways = project.json("stats")["ways"]
    assert {way: given["answers"] for way, given in ways.items()} == {
        "one by one": 20,
        "sheet": len(answers) - 20,
    }
    assert ways["sheet"]["seconds"] < 5
    assert re.search(
        r"answers on contact sheets: \d+, \S+ \(.*\) as the model", project.printed("stats")[0]
    )


def test_page_is_judged_by_touch_on_a_phone(
    project: Project, server: Server, browser: Browser
) -> None:
    shows = prepare(project, 70, 20)
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = phone.new_page()
    with sheet_of(project) as url:
        enter(page, url, server)
        first = wait_for_page(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        odd = odd_ones(page)
        for place in range(3):
            page.locator(".tile").nth(place).tap()
        shoot(page, "sheet-phone")
        for place in set(range(3)) ^ set(odd):
            page.locator(".tile").nth(place).tap()
        count = page.locator(".tile").count()
        page.get_by_role("button", name="Submit page").tap()
        wait_for_page(page, first)
        wait_until_saved(page)
    answers = answers_of(project)
    assert {key: (shows[key],) for key in answers} == answers
    assert len(answers) >= 20 + count


def test_two_people_never_judge_the_same_task(
    project: Project, server: Server, browser: Browser
) -> None:
    shows = prepare(project, 80, 20)
    name = project.stack().config.dataset.name.replace(" ", "")
    other = sign_up(project.stack().studio, f"{name}@example.org")
    pages = [browser.new_context().new_page() for _ in range(2)]
    with sheet_of(project) as url:
        enter(pages[0], url, server)
        pages[1].goto(f"{server.url}/projects/")
        log_in(pages[1], other.username, PASSWORD)
        pages[1].wait_for_url("**/projects/")
        pages[1].goto(url)
        for page in pages:
            wait_for_page(page)
        for page in pages:
            press_odd_ones(page)
            page.keyboard.press("Enter")
        for page in pages:
            wait_until_saved(page)
    answers = answers_of(project)
    assert {key: (shows[key],) for key in answers} == answers
    people = [one.annotator for one in project.stack().snapshots.latest().annotations]
    assert len(set(people)) == 2


def test_answers_survive_the_end_of_the_servers(
    own_project: Project, browser: Browser, page: Page
) -> None:
    """Label Studio is stopped while a page is judged, then the sheet itself."""
    project = own_project
    project.json("up")
    shows = prepare(project, 80, 20)
    daemon = project.stack().daemon
    assert daemon
    credentials = daemon.credentials()
    assert credentials
    pages = project.stack().studio.connection.pages
    server = Server(pages, "", credentials.username, credentials.password, daemon.document_root)
    port = free_port()
    with sheet_of(project, port=port) as url:
        enter(page, url, server)
        first = wait_for_page(page)
        press_odd_ones(page)
        daemon.stop()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Not saved yet, and kept here")).to_be_visible()
        shoot(page, "sheet-trouble")
        second = wait_for_page(page, first)
        project.json("up")
        wait_until_saved(page)
        press_odd_ones(page)
    page.keyboard.press("Enter")  # nobody answers
    expect(page.get_by_text("Not saved yet, and kept here")).to_be_visible()
    with sheet_of(project, port=port):
        finish(page, second)
    answers = answers_of(project)
    assert {key: (shows[key],) for key in answers} == answers
    stats = project.json("stats")
    assert stats["labeled"] == len(answers)


def test_pages_pass_the_checks_of_axe(project: Project, server: Server, page: Page) -> None:
    prepare(project, 60, 20)
    for words in ((), ("--blind",), ("--label", "circle")):
        with sheet_of(project, *words) as url:
            if words:
                page.goto(url)
            else:
                enter(page, url, server)
            wait_for_page(page)
            page.keyboard.press("?")
            page.keyboard.press("Space")
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                shoot(page, f"sheet-{words[0] if words else 'axe'}-{scheme}")
                found = Axe().run(page)
                assert found.violations_count == 0, found.generate_report()


def test_blind_page_gives_the_chosen_label_to_what_is_marked(
    project: Project, server: Server, page: Page
) -> None:
    shows = prepare(project, 60, 20)
    with sheet_of(project, "--blind") as url:
        enter(page, url, server)
        wait_for_page(page)
        for key, label in (("1", "circle"), ("2", "square")):
            page.keyboard.press(key)
            seen = page.evaluate(SHAPES_SEEN)
            page.keyboard.press("Home")
            for place, shape in enumerate(seen):
                if shape == label:
                    page.locator(".tile").nth(place).click()
            page.keyboard.press("Enter")
            page.wait_for_timeout(500)
        expect(page.locator(".done")).to_be_visible()
        wait_until_saved(page)
    answers = answers_of(project)
    assert {key: (shows[key],) for key in answers} == answers
    blind = [a for a in project.stack().snapshots.latest().annotations if a.way == "blind-sheet"]
    assert len(blind) == len(answers) - 20
    assert not any(answer.shown for answer in blind)


def test_next_learns_and_shows_a_sheet(project: Project, server: Server, page: Page) -> None:
    shows = prepare(project, 60, 20)
    with served(project, "next", "--sheet") as url:
        enter(page, url, server)
        finish(page)
    answers = answers_of(project)
    assert {key: (shows[key],) for key in answers} == answers
    printed, hints = project.printed("next", "--sheet")  # all that is left measures the model
    assert "judged: 0 images on contact sheets" in printed
    assert "next: annoloop stats" in hints
    assert f"from {len(answers)} labels" in printed


def test_next_takes_a_number_or_a_sheet(project: Project) -> None:
    _, error = project.printed("next", "20", "--sheet", code=2)
    assert "do not go together" in error
