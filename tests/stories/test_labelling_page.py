"""The labelling page of our own server, in a real browser: nobody leaves the queue by accident."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from support.annotators import write_patterns
from support.browser_pages import (
    choice,
    log_in,
    look,
    open_page,
    shoot,
    submit,
    task_with_picture,
)
from support.project import LABELS, Project, Server

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


def open_stream(project: Project, server: Server, page: Page, pictures: int, **more: object) -> int:
    """Log in where the queue begins; its first task, when its picture is there."""
    dataset = {**project.values["dataset"], **more}  # type: ignore[dict-item]
    project.write({**project.values, "dataset": dataset, "infer": {"show_untrained": False}})
    write_patterns(project.folder / "b", [f"picture{n}.png" for n in range(pictures)])
    project.json("train")
    asked = ("infer", "--batch", "b", "--query", str(pictures), "--strategy", "random")
    page.goto(project.json(*asked)["url"])
    log_in(page, server.username, server.password)
    return task_with_picture(page)


def answers_of(project: Project) -> dict[int, tuple[str, ...]]:
    """Task -> the labels of its only answer."""
    project.json("sync")
    answers = project.stack().snapshots.latest().annotations
    assert len({answer.task for answer in answers}) == len(answers)
    return {answer.task: answer.labels for answer in answers}


def test_each_key_is_an_answer_to_the_picture_that_was_there(
    project: Project, server: Server, page: Page
) -> None:
    """Pressed in the moment when the picture is there, before the page is ready for it."""
    task = open_stream(project, server, page, 12, one_key=True)
    pressed: dict[int, tuple[str, ...]] = {}
    for turn in range(12):
        key = (turn * 7) % 3 % 2
        page.keyboard.press(str(key + 1))
        pressed[task] = (LABELS[key],)
        if turn < 11:
            task = task_with_picture(page, before=task)
            page.wait_for_timeout(turn * 20)  # also later and later
    expect(page.get_by_text("No More Tasks")).to_be_visible(timeout=30_000)
    assert answers_of(project) == pressed


SLOWLY = """() => {
    const ask = window.fetch;
    window.fetch = async (...what) => {
        const url = what[0].url ?? String(what[0]);
        if (url.includes("id=next_task")) await new Promise(r => setTimeout(r, 1500));
        return ask(...what);
    };
}"""


def test_key_before_the_picture_is_chosen_and_not_submitted(
    project: Project, server: Server, page: Page
) -> None:
    first = open_stream(project, server, page, 3, one_key=True)
    page.evaluate(SLOWLY)
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    page.keyboard.press("2")
    second = task_with_picture(page, before=first)
    expect(choice(page, LABELS[1])).to_be_checked()
    expect(page.get_by_text("was pressed before this picture was here")).to_be_visible()
    shoot(page, "early")
    page.wait_for_timeout(1500)
    assert page.evaluate("Number(Htx.task.id)") == second
    assert answers_of(project) == {first: (LABELS[0],)}
    page.keyboard.press("1")
    task_with_picture(page, before=second)
    assert answers_of(project) == {first: (LABELS[0],), second: (LABELS[0],)}


def test_space_submits_and_the_key_of_the_chosen_label_keeps_it(
    project: Project, server: Server, page: Page
) -> None:
    first = open_stream(project, server, page, 3)
    page.keyboard.press("2")
    page.keyboard.press("2")
    expect(choice(page, LABELS[1])).to_be_checked()
    page.keyboard.press("Space")
    second = task_with_picture(page, before=first)
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)
    choice(page, LABELS[0]).click()
    page.locator("button[name=submit]").click()  # which has the focus then
    third = task_with_picture(page, before=second)
    page.keyboard.press("Space")
    expect(page.get_by_text("Choose a label, or skip")).to_be_visible()
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_text("Choose a label, or skip")).not_to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Space")
    expect(page.get_by_text("No More Tasks")).to_be_visible(timeout=30_000)
    assert answers_of(project) == {first: (LABELS[1],), second: (LABELS[0],), third: (LABELS[0],)}


def test_key_of_the_predicted_label_alone_accepts_it(
    project: Project, server: Server, page: Page
) -> None:
    write_patterns(project.folder / "b", ["a.png", "b.png"])
    project.write({**project.values, "dataset": {**project.values["dataset"], "one_key": True}})  # type: ignore[dict-item]
    project.json("train")
    page.goto(project.json("infer", "--batch", "b", "--query", "2")["url"])
    log_in(page, server.username, server.password)
    first = task_with_picture(page)
    _, predicted = look(page)
    page.keyboard.press(str(LABELS.index(predicted) + 1))
    task_with_picture(page, before=first)
    assert answers_of(project) == {first: (predicted,)}
    (answer,) = project.stack().snapshots.latest().annotations
    assert answer.shown == (predicted,)


def test_one_key_corrects_an_answer_that_was_opened_from_the_list(
    project: Project, server: Server, page: Page
) -> None:
    task = open_stream(project, server, page, 2, one_key=True)
    page.keyboard.press("1")
    task_with_picture(page, before=task)
    page.goto(f"{page.url.split('?')[0].rstrip('/')}?task={task}")
    assert task_with_picture(page) == task
    expect(choice(page, LABELS[0])).to_be_checked()
    with page.expect_response(lambda answer: "/api/annotations/" in answer.url) as waiting:
        page.keyboard.press("2")
    assert waiting.value.ok
    assert answers_of(project)[task] == (LABELS[1],)


def test_with_multiple_choice_keys_toggle_and_space_submits(
    project: Project, server: Server, page: Page
) -> None:
    first = open_stream(project, server, page, 2, choice="multiple")
    for key in ("1", "2", "1"):
        page.keyboard.press(key)
    page.keyboard.press("Space")
    task_with_picture(page, before=first)
    assert answers_of(project) == {first: (LABELS[1],)}


def test_keys_do_not_label_behind_the_instructions(
    project: Project, server: Server, page: Page
) -> None:
    first = open_stream(project, server, page, 2, one_key=True, instructions="Look.\nTwice.")
    expect(page.get_by_text("Labeling Instructions")).to_be_visible()
    shoot(page, "instructions")
    page.keyboard.press("1")
    page.keyboard.press("Space")
    page.wait_for_timeout(1000)
    assert page.evaluate("Number(Htx.task.id)") == first
    page.keyboard.press("Escape")
    expect(page.get_by_text("Labeling Instructions")).not_to_be_visible()
    page.keyboard.press("1")
    task_with_picture(page, before=first)
    assert answers_of(project)[first] == (LABELS[0],)


def test_keys_write_where_people_write(project: Project, server: Server, page: Page) -> None:
    """In a label config to which they have added a text, which stays."""
    first = open_stream(project, server, page, 2, one_key=True)
    studio = project.stack().studio
    number = int(page.url.split("/projects/")[1].split("/")[0])
    config = studio.projects.label_config(number)
    why = '<TextArea name="why" toName="image"/></View></View>'
    body = {"label_config": config.replace("</View></View>", why)}
    studio.connection.call("PATCH", f"/api/projects/{number}", body=body)
    page.reload()
    task_with_picture(page)
    text = page.locator(".annoloop").get_by_role("textbox")
    text.press_sequentially("1 2")
    expect(text).to_have_value("1 2")
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)
    assert page.evaluate("Number(Htx.task.id)") == first
    assert answers_of(project) == {}
    assert (
        "<TextArea"
        in project.stack().studio.connection.get(f"/api/projects/{number}")["label_config"]
    )
