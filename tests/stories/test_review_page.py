"""Labels that may be wrong, looked at in a real browser: one key each."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from support.browser_pages import choice, log_in, open_page, shoot, task_with_picture
from support.project import LABELS, Project, Server, on_server
from support.trained_loop import TrainedLoop

WRONG = (20, 21, 22, 23)  # of the labelled tasks, those whose labels are wrong
FOUND = "annoloop-reason"


@pytest.fixture
def page() -> Iterator[Page]:
    with open_page() as opened:
        yield opened


@pytest.fixture(scope="module")
def trained(server: Server, tmp_path_factory: pytest.TempPathFactory) -> TrainedLoop:
    return TrainedLoop(on_server(tmp_path_factory.mktemp("review"), server, "review"))


@pytest.fixture
def loop(trained: TrainedLoop) -> Iterator[TrainedLoop]:
    """Four labels are wrong; afterwards all annotations are what they were."""
    before = {a.id: a for a in trained.annotations()}
    by_task = {a.task: a for a in before.values()}
    for task in (trained.labelled[place] for place in WRONG):
        trained.change(by_task[task.id].id, other(by_task[task.id].labels[0]))
    yield trained
    for a in trained.annotations():
        if a.id not in before:
            trained.delete(a.id)
        elif a.labels != before[a.id].labels:
            trained.change(a.id, before[a.id].labels[0])


def other(label: str) -> str:
    (one,) = (each for each in LABELS if each != label)
    return one


def open_review(project: Project, server: Server, page: Page, limit: int = 4) -> tuple[int, ...]:
    """Open its stream; the tasks, in the order in which they are asked about."""
    asked = ("--push", "--no-browser", "--limit", str(limit))
    found = project.json("dataset", "review", *asked)
    page.goto(found["url"])
    if "login" in page.url:
        log_in(page, server.username, server.password)
    task_with_picture(page)
    return tuple(suspect["task"] for suspect in found["suspects"])


def labels_now(loop: TrainedLoop) -> dict[int, tuple[str, ...]]:
    answers = loop.annotations()
    assert len({a.task for a in answers}) == len(answers)  # none was added
    return {a.task: a.labels for a in answers}


def outcomes(loop: TrainedLoop, *tasks: int) -> list[str]:
    """What became of these tasks, by the report."""
    decisions = loop.project.json("dataset", "review")["decisions"]
    found = {int(one["url"].rpartition("=")[2]): one["outcome"] for one in decisions}
    return [found[task] for task in tasks]


def test_one_key_confirms_another_corrects_and_both_are_read_back(
    loop: TrainedLoop, server: Server, page: Page
) -> None:
    before = labels_now(loop)
    first, second, third, fourth = open_review(loop.project, server, page)
    assert task_with_picture(page) == first
    expect(choice(page, before[first][0])).to_be_checked()
    expect(page.locator(f"#{FOUND}")).to_contain_text(
        f"{before[first][0]}? It looks like {other(before[first][0])}"
    )
    expect(page.get_by_role("button", name="Skip")).not_to_be_visible()
    shoot(page, "review-page")
    page.keyboard.press("Space")
    assert task_with_picture(page, before=first) == second
    page.keyboard.press(str(1 + LABELS.index(other(before[second][0]))))
    assert task_with_picture(page, before=second) == third
    page.keyboard.press(str(1 + LABELS.index(before[third][0])))  # its own label's key
    assert task_with_picture(page, before=third) == fourth
    became = outcomes(loop, first, second, third, fourth)
    assert became == ["confirmed", "corrected", "confirmed", "open"]
    after = labels_now(loop)
    assert after == {**before, second: (other(before[second][0]),)}
    suspects = loop.project.json("dataset", "review")["suspects"]
    assert {first, third} & {suspect["task"] for suspect in suspects} == set()


def test_what_is_set_aside_comes_last(loop: TrainedLoop, server: Server, page: Page) -> None:
    first, second = open_review(loop.project, server, page, 2)
    page.keyboard.press("ArrowRight")
    assert task_with_picture(page, before=first) == second
    page.get_by_role("button", name="The label is right").click()
    assert task_with_picture(page, before=second) == first
    page.keyboard.press("Space")
    expect(page.get_by_text("No More Tasks")).to_be_visible(timeout=30_000)
    assert outcomes(loop, first, second) == ["confirmed", "confirmed"]


def test_correction_is_in_the_next_training_set(
    loop: TrainedLoop, server: Server, page: Page
) -> None:
    (task,) = open_review(loop.project, server, page, 1)
    before = labels_now(loop)
    page.keyboard.press(str(1 + LABELS.index(other(before[task][0]))))
    expect(page.get_by_text("No More Tasks")).to_be_visible(timeout=30_000)
    news = loop.project.json("train", "--rerun", "--gate", "off")
    assert news["trained"]
    assert outcomes(loop, task) == ["corrected"]


def test_answer_that_was_looked_at_settles_what_people_disagree_about(
    loop: TrainedLoop, server: Server, page: Page
) -> None:
    """Three answers, of which the reviewer changes one that was outvoted: it counts."""
    task = loop.labelled[30].id  # no review has asked about it
    (answer,) = (a for a in loop.annotations() if a.task == task)
    wrong = other(answer.labels[0])
    loop.change(answer.id, wrong)
    for name in ("second", "third"):
        loop.person(name).annotations.create(loop.id, task, [wrong], 1.0)
    labelled = loop.project.json("sync")["labeled"]
    asked = open_review(loop.project, server, page, 20)
    for one in asked[: asked.index(task)]:
        page.keyboard.press("Space")
        task_with_picture(page, before=one)
    with page.expect_response(lambda answer: "/api/annotations/" in answer.url) as waiting:
        page.keyboard.press(str(1 + LABELS.index(other(wrong))))
    assert waiting.value.ok
    assert outcomes(loop, task) == ["corrected"]
    answers = [a for a in loop.annotations() if a.task == task]
    assert sorted(a.ground_truth for a in answers) == [False, False, True]
    assert loop.project.json("sync")["labeled"] == labelled


OWN = (
    '<View><Image name="image" value="$image"/><Choices name="label" toName="image" '
    'choice="single-radio"><Choice value="aria" hotkey="1"/><Choice value="not_aria" hotkey="2"/>'
    '</Choices><TextArea name="why" toName="image"/></View>'
)


def test_label_config_of_people_has_the_keys_of_a_review_too(
    loop: TrainedLoop, server: Server, page: Page
) -> None:
    studio = loop.stack().studio
    path, before = f"/api/projects/{loop.id}", studio.projects.label_config(loop.id)
    asked = ("--push", "--no-browser", "--limit", "2")
    found = loop.project.json("dataset", "review", *asked)
    first, second = (suspect["task"] for suspect in found["suspects"])
    studio.connection.call("PATCH", path, body={"label_config": OWN})
    try:
        page.goto(found["url"])
        log_in(page, server.username, server.password)
        for task, key in ((first, "1"), (second, "Space")):
            page.wait_for_function("task => Number(window.Htx?.task?.id) === task", arg=task)
            expect(page.locator(f"#{FOUND}")).to_be_visible(timeout=30_000)
            page.wait_for_timeout(500)
            page.keyboard.press(key)
        expect(page.get_by_text("No More Tasks")).to_be_visible(timeout=30_000)
    finally:
        studio.connection.call("PATCH", path, body={"label_config": before})
    assert "open" not in outcomes(loop, first, second)
