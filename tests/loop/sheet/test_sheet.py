"""What becomes of a page's answers, on a real Label Studio."""

from collections.abc import Iterator

import httpx
import pytest
from support.annotators import PASSWORD, sign_up
from support.project import Project, Server
from support.sheet_pages import prepare

from annolooop.domain.progress import untracked
from annolooop.errors import DataError, UsageError
from annolooop.labelstudio.api.sessions import NotLoggedIn
from annolooop.loop.sheet.kinds import BLIND, LABEL, LEAST_SURE, SUREST
from annolooop.loop.sheet.sheet import Sheet
from annolooop.stack import Stack


def session_of(url: str, username: str, password: str) -> str:
    """Log in as a browser does."""
    with httpx.Client(base_url=url, follow_redirects=True) as browser:
        browser.get("/user/login/")
        token = browser.cookies["csrftoken"]
        form = {"email": username, "password": password, "csrfmiddlewaretoken": token}
        browser.post("/user/login/", data=form)
        return browser.cookies["sessionid"]


@pytest.fixture
def trained(project: Project) -> Project:
    prepare(project, 50, 20)
    return project


@pytest.fixture
def session(server: Server) -> str:
    return session_of(server.url, server.username, server.password)


def open_sheet(project: Project, kind: str = SUREST, label: str = "") -> Sheet:
    return Sheet(project.stack(), kind, label, untracked)


@pytest.mark.story
def test_answers_become_annotations_of_the_person_once(
    trained: Project, session: str, server: Server
) -> None:
    sheet = open_sheet(trained)
    person = sheet.person(session)
    page = sheet.page(person, 12, True)
    assert page
    left = sheet.left
    first, second, third, fourth = [tile.task for tile in page.tiles][:4]
    answers = {first: page.label, second: page.tiles[1].second, third: None}
    saved = sheet.save(session, answers, 9.0)
    assert saved.annotations.keys() == answers.keys()
    assert sheet.left == left - 3
    assert sheet.save(session, answers, 9.0).known == (first, second, third)
    assert open_sheet(trained).save(session, answers, 9.0).known == (first, second, third)

    name = trained.stack().config.dataset.name.replace(" ", "")
    other = sign_up(trained.stack().studio, f"{name}@example.org")
    theirs = session_of(server.url, other.username, PASSWORD)
    assert sheet.save(theirs, {first: page.label, fourth: page.label}, 2.0).taken == (first,)

    trained.json("sync")
    made = {a.task: a for a in trained.stack().snapshots.latest().annotations if a.task in answers}
    assert made[first].labels == (page.label,)
    assert made[first].shown == (page.label,)
    assert made[second].labels == (page.tiles[1].second,)
    assert made[third].skipped
    assert {(a.annotator, a.lead_time) for a in made.values()} == {(person.id, 3.0)}
    assert made[first].way == "sheet"


def test_answers_are_taken_back_also_where_their_numbers_were_lost(
    trained: Project, session: str
) -> None:
    sheet = open_sheet(trained)
    page = sheet.page(sheet.person(session), 12, True)
    assert page
    before, tasks = sheet.left, [tile.task for tile in page.tiles[:2]]
    saved = sheet.save(session, dict.fromkeys(tasks, page.label), 2.0)
    sheet.take_back(session, {tasks[0]: saved.annotations[tasks[0]], tasks[1]: None})
    assert sheet.left == before
    stack = trained.stack()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    assert stack.studio.tasks.answered_by(found.id, tasks) == {}


def pages(sheet: Sheet, session: str) -> Iterator[int]:
    while page := sheet.page(sheet.person(session), 60, False):
        yield from (task for tile in page.tiles for task in (tile.task, *tile.twins))


def test_what_measures_the_model_is_on_blind_sheets_only(trained: Project, session: str) -> None:
    blind = set(pages(open_sheet(trained, BLIND), session))
    others = set(pages(open_sheet(trained), session))
    assert blind
    assert others == set(pages(open_sheet(trained, LEAST_SURE), session))
    assert not blind & others
    assert len(blind | others) == 30
    sheet = open_sheet(trained)
    task = next(iter(blind))
    assert sheet.save(session, {task: "circle"}, 1.0).taken == (task,)


def test_ended_session_saves_nothing(trained: Project) -> None:
    sheet = open_sheet(trained)
    with pytest.raises(NotLoggedIn):
        sheet.save("none", {1: "circle"}, 1.0)


def test_sheet_needs_a_version_that_is_trained(project: Project) -> None:
    project.json("train")
    with pytest.raises(DataError, match="is not trained yet"):
        Sheet(project.stack(), SUREST, "", untracked)


def test_label_that_no_version_predicts_is_named(trained: Project) -> None:
    with pytest.raises(UsageError, match="did you mean circle"):
        open_sheet(trained, LABEL, "circel")


def test_sheet_is_for_single_choice(trained: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    stack: Stack = trained.stack()
    version = stack.registry.current()
    assert version
    monkeypatch.setattr(
        "annolooop.loop.sheet.sheet.require_current",
        lambda stack: type(version)(**{**vars(version), "choice": "multiple"}),
    )
    with pytest.raises(DataError, match="single choice"):
        Sheet(stack, SUREST, "", untracked)
