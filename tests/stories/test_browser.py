"""What people see: the labelling stream in a real browser."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect
from support.annotators import PASSWORD, sign_up, write_patterns
from support.browser_pages import (
    choice,
    log_in,
    look,
    note_served,
    open_page,
    shoot,
    submit,
    task_with_picture,
)
from support.project import LABELS, Project, Server, on_loopback, write_photos

from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.rounds.queue import rounds_of
from annolooop.loop.train.train import train


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
    answers = sorted((a.shown, a.labels) for a in annotations)
    assert answers == sorted([((accepted,), (accepted,)), ((overridden,), (other,))])
    stats = project.json("stats")
    assert stats["labeled"] == 2
    assert stats["model_versions"][stats["model_version"]] == {
        "predictions": 2,
        "accepted": 1,
        "overridden": 1,
    }


def test_people_see_a_tiff_that_is_named_like_a_photograph(
    project: Project, server: Server, page: Page
) -> None:
    train(project.stack(), False, untracked)
    write_photos(project.folder / "b", ["aria.png"])
    with Image.open(project.folder / "b" / "aria.png") as photo:
        photo.save(project.folder / "b" / "scan.jpg", "TIFF")
    (project.folder / "b" / "aria.png").unlink()
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    name = project.stack().config.dataset.name
    page.goto(project.run("dataset", "launch", name, "--no-browser").stdout.strip())
    log_in(page, server.username, server.password)

    look(page)  # waits for a picture of the right size
    shoot(page, "tiff")
    submit(page)

    assert project.json("sync")["labeled"] == 1
    (answer,) = project.stack().snapshots.latest().annotations
    assert answer.key == "images/b/scan.jpg"


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
    file = Path(urlsplit(address).path)
    assert file.stat().st_mode & 0o077 == 0
    (ticket,) = re.findall(r'href="(.*?)"', file.read_text())
    page.goto(address)
    look(page)
    assert json.loads(launch.communicate(timeout=30)[0])["opened"] is True
    assert re.match(r"http://annoloop-\w{12}\.localhost:", page.url)
    assert on_loopback(page.url).startswith(project.json("status")["url"])
    assert "sessionid" in {cookie["name"] for cookie in page.context.cookies(page.url)}
    assert page.context.cookies(project.json("status")["url"]) == []
    assert not file.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(ticket)


def test_two_people_at_once_get_the_tasks_of_a_query_in_its_order(
    project: Project, server: Server, page: Page
) -> None:
    train(project.stack(), False, untracked)
    write_patterns(project.folder / "b", [f"picture{n}.png" for n in range(9)])
    message = project.json("infer", "--batch", "b", "--query", "5", "--strategy", "random")
    stack = project.stack()
    asked = rounds_of(stack, stack.config.dataset.name).latest()
    assert asked
    other = sign_up(stack.studio, f"other.{asked.project.split()[0]}@example.org")

    assert page.context.browser
    second = page.context.browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    mine = (server.username, server.password)
    pictures: dict[Page, str] = {}
    answers = {who: note_served(who) for who in (page, second)}
    for who, login in ((page, mine), (second, (other.username, PASSWORD))):
        who.goto(message["url"])
        log_in(who, *login)
        pictures[who], _ = look(who)
    shoot(page, "queue")
    for who in (page, second, page):
        submit(who)
        pictures[who], _ = look(who, before=pictures[who])
    served = {who: [answer.json()["id"] for answer in message] for who, message in answers.items()}
    places = {who: [asked.query.index(task) for task in tasks] for who, tasks in served.items()}
    assert places == {page: [0, 2, 4], second: [1, 3]}


def without_script(route: Route) -> None:
    """A page of the server as it would be without our script."""
    answer = route.fetch()
    body = answer.text().replace('<script id="annoloop-labelling">', '<script type="text/plain">')
    route.fulfill(response=answer, body=body)


def test_key_of_the_label_that_is_filled_in_loses_no_answer(
    project: Project, server: Server, page: Page
) -> None:
    """On a server of someone else it takes the label away, and an empty answer is refused."""
    train(project.stack(), False, untracked)
    write_photos(project.folder / "b", ["aria.jpg"])
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    name = project.stack().config.dataset.name
    page.goto(project.run("dataset", "launch", name, "--no-browser").stdout.strip())
    log_in(page, server.username, server.password)
    look(page)
    page.route("**/projects/*/data/*", without_script)
    page.reload()
    _, label = look(page)
    page.keyboard.press(str(LABELS.index(label) + 1))
    expect(choice(page, label)).not_to_be_checked()
    page.locator("button[name=submit]").click()
    expect(page.get_by_text("Choose a label, or skip")).to_be_visible()
    shoot(page, "refused")
    assert project.json("stats")["unlabeled"] == 1
    page.get_by_role("button", name="OK").click()
    choice(page, label).click()
    submit(page)
    assert project.json("sync")["labeled"] == 1


def test_answer_that_says_nothing_is_given_again_in_its_tab(
    project: Project, server: Server, page: Page
) -> None:
    train(project.stack(), False, untracked)
    write_photos(project.folder / "b", ["aria.jpg", "not_aria.jpg"])
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    stack = project.stack()
    name = stack.config.dataset.name
    found = stack.studio.projects.find(name)
    assert found
    first, second = (task.id for task in stack.studio.tasks.list(found.id))
    stack.studio.annotations.create(found.id, first, [], 1.0)
    stack.studio.annotations.create(found.id, second, ["aria"], 1.0)
    report = project.json("sync")
    assert (report["labeled"], report["empty"]) == (1, 1)
    assert project.json("stats")["unlabeled"] == 1
    launched = project.json("dataset", "launch", name, "--no-browser")
    assert (launched["again"], launched["again_url"]) == (1, report["again"])

    page.goto(report["again"])
    log_in(page, server.username, server.password)
    rows = page.locator(".lsf-table__row-wrapper")
    expect(rows).to_have_count(1, timeout=30_000)
    rows.first.click()
    task_with_picture(page)
    shoot(page, "again")
    update = page.locator("button", has_text="Update")
    choice(page, "aria").click()
    page.wait_for_timeout(1000)
    if not update.is_enabled():  # Label Studio misses a change that comes while it opens an answer
        choice(page, "not_aria").click()
        choice(page, "aria").click()
    with page.expect_response(lambda answer: "/api/annotations/" in answer.url) as waiting:
        update.click()
    assert waiting.value.ok
    after = project.json("sync")
    assert (after["labeled"], after["empty"], after["again"]) == (2, 0, "")


def test_key_of_a_label_is_its_name_and_a_dollar_sign_is_shown(
    project: Project, server: Server, page: Page
) -> None:
    labels = ["2", "US$", "q", "cat"]
    dataset = {**project.values["dataset"], "labels": labels}  # type: ignore[dict-item]
    project.write({**project.values, "dataset": dataset})
    train(project.stack(), False, untracked)
    write_photos(project.folder / "b", ["aria.jpg"])
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    name = project.stack().config.dataset.name
    page.goto(project.run("dataset", "launch", name, "--no-browser").stdout.strip())
    log_in(page, server.username, server.password)
    boxes = page.locator("input[type=radio]")
    expect(boxes).to_have_count(len(labels), timeout=60_000)
    shoot(page, "keys")
    expect(page.get_by_text("US$")).to_be_visible()
    for label, key in (("2", "2"), ("q", "q"), ("cat", "3"), ("US$", "1")):
        page.keyboard.press(key)
        expect(boxes.nth(labels.index(label))).to_be_checked()
