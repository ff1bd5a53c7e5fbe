"""Requests with a person's own session."""

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.sessions import NotLoggedIn, Person, Sessions

ANN = Person(7, "ann@example.org")


@pytest.fixture
def sessions(fake: FakeLabelStudio) -> Sessions:
    return Sessions(fake.url, 5)


def test_each_request_has_the_persons_cookie_and_no_token(
    fake: FakeLabelStudio, sessions: Sessions
) -> None:
    fake.answer("GET", "/api/current-user/whoami", {"id": 7, "email": "ann@example.org"})
    fake.answer("POST", "/api/tasks/3/annotations/", {"id": 11})
    fake.answer("DELETE", "/api/annotations/11/")
    assert sessions.whoami("s1") == ANN
    assert sessions.annotate("s1", 3, [{"type": "choices"}], 1.5) == 11
    sessions.withdraw("s1", 11)
    for request in fake.requests:
        assert request.headers["cookie"] == "sessionid=s1"
        assert "authorization" not in request.headers
    (body,) = fake.bodies("POST", "/api/tasks/3/annotations/")
    assert body == {"result": [{"type": "choices"}], "lead_time": 1.5, "was_cancelled": False}


@pytest.mark.parametrize("status", [401, 403])
def test_ended_session_is_told_apart(
    fake: FakeLabelStudio, sessions: Sessions, status: int
) -> None:
    fake.answer("GET", "/api/current-user/whoami", {}, status)
    with pytest.raises(NotLoggedIn):
        sessions.whoami("s1")


def test_failure_names_the_request(fake: FakeLabelStudio, sessions: Sessions) -> None:
    fake.answer("POST", "/api/tasks/3/annotations/", {}, 500)
    with pytest.raises(UnreachableError, match="500 to POST /api/tasks/3"):
        sessions.annotate("s1", 3, [], 1.0)


def test_annotation_that_is_gone_needs_no_deletion(
    fake: FakeLabelStudio, sessions: Sessions
) -> None:
    fake.answer("DELETE", "/api/annotations/11/", {}, 404)
    sessions.withdraw("s1", 11)


def test_own_annotations_of_a_task_are_found(fake: FakeLabelStudio, sessions: Sessions) -> None:
    rows = [
        {"id": 1, "completed_by": 7},
        {"id": 2, "completed_by": 8},
        {"id": 3, "completed_by": {"id": 7, "email": "ann@example.org"}},
    ]
    fake.answer("GET", "/api/tasks/3/annotations/", rows)
    assert sessions.own("s1", 3, ANN) == [1, 3]


def test_server_that_is_away_is_named() -> None:
    with pytest.raises(UnreachableError, match="does not answer"):
        Sessions("http://127.0.0.1:9", 1).whoami("s1")
