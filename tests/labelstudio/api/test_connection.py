"""What the failures of a request mean."""

import time

import pytest
from support.fake_label_studio import TOKEN, FakeLabelStudio
from support.project import free_port

from annolooop.errors import ConfigError, UnreachableError
from annolooop.labelstudio.api.connection import Connection, NotFound, Rejected

PATH = "/api/things"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def test_legacy_token_is_sent_as_it_is(fake: FakeLabelStudio) -> None:
    fake.answer("GET", PATH, [1])
    assert fake.connection().get(PATH) == [1]
    assert fake.requests[0].headers["authorization"] == f"Token {TOKEN}"


def test_token_with_line_breaks_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="holds characters that no access token has"):
        Connection("http://127.0.0.1:1", "abc\n", 5, False)


def test_read_is_tried_again_while_the_server_is_busy(
    fake: FakeLabelStudio, no_pauses: list[float]
) -> None:
    fake.answer("GET", PATH, "down", 502)
    fake.answer("GET", PATH, "down", 503)
    fake.answer("GET", PATH, {"now": "up"})
    assert fake.connection().get(PATH) == {"now": "up"}
    assert no_pauses == [1.0, 2.0]


def test_read_of_a_server_that_stays_busy_fails_after_three_tries(fake: FakeLabelStudio) -> None:
    fake.answer("GET", PATH, {"detail": "database is locked"}, 500)
    with pytest.raises(UnreachableError, match=r"answered 500 to GET .*database is locked"):
        fake.connection().get(PATH)
    assert len(fake.requests) == 3


def test_write_is_never_repeated(fake: FakeLabelStudio) -> None:
    fake.answer("POST", PATH, {"detail": "busy"}, 500)
    with pytest.raises(UnreachableError):
        fake.connection().post(PATH, {})
    assert len(fake.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_token_is_a_configuration_error(fake: FakeLabelStudio, status: int) -> None:
    fake.answer("GET", PATH, {"detail": "Invalid token."}, status)
    with pytest.raises(ConfigError, match=rf"refuses the access token \({status}\)") as caught:
        fake.connection().get(PATH)
    assert TOKEN not in caught.value.message + caught.value.hint


def test_guard_of_private_addresses_is_no_refusal_of_the_token(fake: FakeLabelStudio) -> None:
    fake.answer("POST", PATH, {"detail": "10.0.0.1 is in a reserved network address block"}, 403)
    with pytest.raises(Rejected, match="reserved network address"):
        fake.connection().post(PATH, {})


def test_missing_thing_has_an_error_of_its_own(fake: FakeLabelStudio) -> None:
    with pytest.raises(NotFound):
        fake.connection().get(PATH)


def test_reasons_of_a_rejected_write_are_shown(fake: FakeLabelStudio) -> None:
    fake.answer("POST", PATH, {"validation_errors": {"title": ["too long"]}, "detail": "x"}, 400)
    with pytest.raises(Rejected, match=r"title.*too long") as caught:
        fake.connection(ours=True).post(PATH, {})
    assert caught.value.hint == "Look at its log: annoloop logs"


def test_page_in_the_place_of_json_is_no_label_studio(fake: FakeLabelStudio) -> None:
    fake.answer("GET", PATH, "<html>")
    with pytest.raises(UnreachableError, match="it is not a Label Studio server") as caught:
        fake.connection().get(PATH)
    assert "label_studio.url" in caught.value.hint


@pytest.mark.parametrize("status", [200, 400])
def test_answer_that_never_ends_is_no_label_studio(fake: FakeLabelStudio, status: int) -> None:
    fake.answer("GET", PATH, "[" * 50_000, status)
    with pytest.raises(UnreachableError, match="it is not a Label Studio server"):
        fake.connection().get(PATH)


def test_redirect_to_another_address_names_that(fake: FakeLabelStudio) -> None:
    fake.answer("GET", PATH, "", 302, Location=f"{fake.url}/ls{PATH}?secret=1")
    with pytest.raises(UnreachableError, match=f"is not at {fake.url}, but at {fake.url}/ls"):
        fake.connection().get(PATH)


def test_label_studio_below_a_prefix_is_found(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/", "", 302, Location="/ls/user/login")
    fake.answer("GET", "/ls/api/version", {"release": "1.20"})
    fake.answer("GET", PATH, "<html>")
    with pytest.raises(UnreachableError) as caught:
        fake.connection().get(PATH)
    assert caught.value.hint == f"Set label_studio.url to {fake.url}/ls"


@pytest.mark.parametrize(
    ("ours", "hint"), [(True, "Start it: annoloop up"), (False, "Check that it can be reached")]
)
def test_server_that_is_not_there_is_named(ours: bool, hint: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match=f"does not answer at {url}") as caught:
        Connection(url, TOKEN, 5, ours).get(PATH)
    assert caught.value.hint.startswith(hint)


def test_download_from_another_host_gets_no_token(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/x.jpg", "image")
    elsewhere = fake.url.replace("127.0.0.1", "localhost")
    Connection(fake.url, TOKEN, 5, False, ["localhost"]).download(f"{elsewhere}/x.jpg", None)
    assert "authorization" not in fake.requests[0].headers


def test_download_with_cookies_gets_them_in_the_place_of_the_token(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/x.jpg", "image")
    fake.connection().download("/x.jpg", {"sessionid": "1"})
    assert fake.requests[0].headers["cookie"] == "sessionid=1"
    assert "authorization" not in fake.requests[0].headers
