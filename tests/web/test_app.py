"""The endpoints of the contact sheet: who may ask what, and what is refused."""

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from annolooop.domain.rounds import Page, Saved, Tile
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.sessions import NotLoggedIn, Person
from annolooop.web.app import MOST_BYTES, sheet_app

HOST = "annoloop-123.localhost"
ORIGIN = {"Origin": f"http://{HOST}"}
TILE = Tile(1, (2,), "a.jpg", "aa", "cat", "dog", 0.9)


class FakeSheet:
    """Answers without a Label Studio; keeps what it was asked."""

    dataset, labels = "pets", ("cat", "dog")
    keys = {"cat": "1", "dog": "2"}  # noqa: RUF012
    left = 3

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.error: Exception | None = None

    def person(self, session: str) -> Person:
        if session != "good":
            raise NotLoggedIn
        if self.error:
            raise self.error
        return Person(7, "ann@example.org")

    def page(self, person: Person, size: int, anew: bool) -> Page | None:
        self.asked.append((person.id, size, anew))
        return Page(1, "cat", (TILE,), 3)

    def save(self, session: str, answers: Mapping[int, str | None], seconds: float) -> Saved:
        self.person(session)
        self.asked.append((dict(answers), seconds))
        return Saved({1: 11}, (2,), (), {})

    def take_back(self, session: str, annotations: Mapping[int, int | None]) -> None:
        self.asked.append(dict(annotations))

    def thumbnail(self, sha256: str) -> bytes | None:
        return b"small" if sha256 == "aa" else None

    def picture(self, sha256: str) -> bytes | None:
        return b"large" if sha256 == "aa" else None


@pytest.fixture
def sheet() -> FakeSheet:
    return FakeSheet()


@pytest.fixture
def client(sheet: FakeSheet) -> TestClient:
    app = sheet_app(sheet, [HOST], "http://login")
    return TestClient(app, base_url=f"http://{HOST}", cookies={"sessionid": "good"})


def test_page_itself_needs_no_login_and_runs_only_its_own_script(client: TestClient) -> None:
    client.cookies.clear()
    answer = client.get("/")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert client.get("/static/sheet.js").status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/sheet", "/api/page", "/thumbnails/aa", "/pictures/aa", "/api/answers"]
)
@pytest.mark.parametrize("session", ["", "ended"])
def test_nobody_sees_or_changes_anything_without_a_login(
    client: TestClient, sheet: FakeSheet, path: str, session: str
) -> None:
    client.cookies.clear()
    client.cookies.update({"sessionid": session} if session else {})
    body = {"answers": {"1": "cat"}, "seconds": 1}
    post = path == "/api/answers"
    answer = client.post(path, json=body, headers=ORIGIN) if post else client.get(path)
    assert answer.status_code == 401
    assert answer.json() == {"login": "http://login"}
    assert not sheet.asked


def test_other_host_names_are_refused(client: TestClient) -> None:
    assert client.get("/api/sheet", headers={"Host": "evil.example.org"}).status_code == 400


def test_page_holds_at_most_sixty_tiles(client: TestClient, sheet: FakeSheet) -> None:
    page = client.get("/api/page?size=1000&anew").json()
    assert page["tiles"][0] == {
        "task": 1,
        "twins": [2],
        "key": "a.jpg",
        "sha256": "aa",
        "label": "cat",
        "second": "dog",
        "score": 0.9,
    }
    assert sheet.asked == [(7, 60, True)]
    assert client.get("/api/page?size=many").status_code == 400


def test_answers_are_saved(client: TestClient, sheet: FakeSheet) -> None:
    body = {"answers": {"1": "cat", "2": None}, "seconds": 12.5}
    saved = client.post("/api/answers", json=body, headers=ORIGIN).json()
    assert saved == {"annotations": {"1": 11}, "known": [2], "taken": [], "failed": {}}
    assert sheet.asked == [({1: "cat", 2: None}, 12.5)]


def test_answers_are_taken_back(client: TestClient, sheet: FakeSheet) -> None:
    answer = client.post("/api/undo", json={"1": 11, "2": None}, headers=ORIGIN)
    assert answer.status_code == 200
    assert sheet.asked == [{1: 11, 2: None}]


BODY = '{"answers": {"1": "cat"}, "seconds": 1}'


@pytest.mark.parametrize(
    ("headers", "content", "why"),
    [
        ({"Origin": "http://evil.example.org"}, BODY, "this page"),
        ({"Origin": "null"}, BODY, "this page"),
        ({"Origin": ""}, BODY, "this page"),
        ({"Content-Type": "text/plain"}, BODY, "not JSON"),
        ({}, "{", "not JSON"),
        ({}, "[" * 50_000, "not JSON"),
        ({}, '"' + "x" * MOST_BYTES + '"', "too long"),
        ({}, "[]", "no answers"),
        ({}, '{"answers": {"1": "cat"}}', "no time"),
        ({}, '{"answers": {"1": "cat"}, "seconds": -1}', "no time"),
        ({}, '{"answers": {"1": "cow"}, "seconds": 1}', "label"),
        ({}, '{"answers": {"1": ["cat"]}, "seconds": 1}', "label"),
        ({}, '{"answers": {"../1": "cat"}, "seconds": 1}', "no number"),
    ],
)
def test_requests_of_no_page_of_ours_are_refused(
    client: TestClient, sheet: FakeSheet, headers: dict[str, str], content: str, why: str
) -> None:
    given = {**ORIGIN, "Content-Type": "application/json", **headers}
    answer = client.post("/api/answers", content=content, headers=given)
    assert answer.status_code == 400
    assert why in answer.json()["error"]
    assert not sheet.asked


@pytest.mark.parametrize("body", [[], {"1": "11"}, {"1": True}, {"x": 1}])
def test_undo_takes_annotations_only(client: TestClient, sheet: FakeSheet, body: Any) -> None:
    assert client.post("/api/undo", json=body, headers=ORIGIN).status_code == 400
    assert not sheet.asked


def test_label_studio_that_is_away_is_named(client: TestClient, sheet: FakeSheet) -> None:
    sheet.error = UnreachableError("Label Studio does not answer at http://x", "")
    answer = client.get("/api/page")
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["error"]


def test_pictures_are_kept_by_the_browser_and_missing_ones_are_not(client: TestClient) -> None:
    answer = client.get("/thumbnails/aa")
    assert (answer.content, answer.headers["content-type"]) == (b"small", "image/webp")
    assert "immutable" in answer.headers["cache-control"]
    assert client.get("/pictures/aa").content == b"large"
    missing = client.get("/thumbnails/bb")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")
