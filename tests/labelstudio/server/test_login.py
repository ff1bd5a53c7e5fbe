"""A login goes to one browser, by a file that only its owner may read, and within seconds."""

import re
import socket
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx
import pytest

from annolooop.labelstudio.server import login
from annolooop.labelstudio.server.login import open_browser

PAGE, COOKIES = "http://127.0.0.1:1/projects/1", {"sessionid": "s3cr3t"}
Browse = Callable[[str, str], object]


def address_in(uri: str) -> str:
    """The address that the file of this machine leads to."""
    (address,) = re.findall(r'url=(.*?)"', Path(urlsplit(uri).path).read_text())
    return str(address)


@pytest.fixture(autouse=True)
def short_grace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "second_use" not in request.node.name:
        monkeypatch.setattr(login, "GRACE", 0.1)


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Callable[[Browse], list[str]]:
    """Put a browser in the place of the user's; keeps what it was started with."""

    def put(browse: Browse) -> list[str]:
        started: list[str] = []

        def start(uri: str) -> bool:
            started.append(uri)
            Thread(target=browse, args=(uri, address_in(uri)), daemon=True).start()
            return True

        monkeypatch.setattr(webbrowser, "open", start)
        return started

    return put


def test_browser_gets_the_cookies_and_is_sent_on(
    tmp_path: Path, browser: Callable[[Browse], list[str]]
) -> None:
    answers: list[httpx.Response] = []
    browser(lambda uri, address: answers.append(httpx.get(address)))
    assert open_browser(PAGE, COOKIES, tmp_path) == (True, False)
    assert answers[0].headers["location"] == PAGE
    assert answers[0].cookies["sessionid"] == "s3cr3t"
    assert list(tmp_path.iterdir()) == []


def test_address_is_in_a_file_of_the_owner_and_not_in_what_the_browser_is_started_with(
    tmp_path: Path, browser: Callable[[Browse], list[str]]
) -> None:
    seen: list[tuple[int, str]] = []

    def browse(uri: str, address: str) -> None:
        file = Path(urlsplit(uri).path)
        seen.append((file.stat().st_mode & 0o777, urlsplit(address).path))
        httpx.get(address)

    started = browser(browse)
    open_browser(PAGE, COOKIES, tmp_path)
    ((mode, ticket),) = seen
    assert mode == 0o600
    assert ticket not in started[0]
    assert "127.0.0.1" not in started[0]


def test_second_use_gets_nothing_and_is_told(
    tmp_path: Path, browser: Callable[[Browse], list[str]]
) -> None:
    answers: list[httpx.Response] = []
    browser(lambda uri, address: answers.extend(httpx.get(address) for _ in range(2)))
    assert open_browser(PAGE, COOKIES, tmp_path) == (True, True)
    time.sleep(0.2)
    assert [answer.status_code for answer in answers] == [303, 410]
    assert "set-cookie" not in answers[1].headers


def test_wrong_address_gets_nothing(
    tmp_path: Path, browser: Callable[[Browse], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "WAIT", 1.0)
    answers: list[httpx.Response] = []
    browser(lambda uri, address: answers.append(httpx.get(f"{address}x")))
    assert open_browser(PAGE, COOKIES, tmp_path) == (False, False)
    assert answers[0].status_code == 404


def test_connection_that_says_nothing_keeps_nobody_waiting(
    tmp_path: Path, browser: Callable[[Browse], list[str]]
) -> None:
    silent: list[socket.socket] = []

    def browse(uri: str, address: str) -> None:
        where = urlsplit(address)
        silent.extend(socket.create_connection((where.hostname, where.port)) for _ in range(3))
        time.sleep(0.3)
        httpx.get(address)

    browser(browse)
    begun = time.monotonic()
    assert open_browser(PAGE, COOKIES, tmp_path) == (True, False)
    assert time.monotonic() - begun < 10
    for connection in silent:
        connection.close()


@pytest.mark.parametrize("silent", [False, True])
def test_it_waits_no_longer_than_it_says(
    tmp_path: Path,
    browser: Callable[[Browse], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    silent: bool,
) -> None:
    monkeypatch.setattr(login, "WAIT", 1.0)
    kept: list[socket.socket] = []

    def browse(uri: str, address: str) -> None:
        where = urlsplit(address)
        if silent:
            kept.append(socket.create_connection((where.hostname, where.port)))

    browser(browse)
    begun = time.monotonic()
    assert open_browser(PAGE, COOKIES, tmp_path) == (False, False)
    assert time.monotonic() - begun < 3


def test_machine_without_a_browser_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda uri: False)
    begun = time.monotonic()
    assert open_browser(PAGE, COOKIES, tmp_path) == (False, False)
    assert time.monotonic() - begun < 3
    assert list(tmp_path.iterdir()) == []


def test_cookies_are_those_of_the_name_of_the_page(
    tmp_path: Path, browser: Callable[[Browse], list[str]]
) -> None:
    hosts: list[str | None] = []

    def browse(uri: str, address: str) -> None:
        hosts.append(urlsplit(address).hostname)
        httpx.get(address.replace("annoloop-x.localhost", "127.0.0.1"))

    browser(browse)
    open_browser("http://annoloop-x.localhost:1/projects/1", COOKIES, tmp_path)
    assert hosts == ["annoloop-x.localhost"]
