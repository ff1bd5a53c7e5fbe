"""The local server has a name of its own for browsers."""

import socket
import sys

import pytest

from annolooop.labelstudio.server.credentials import Credentials
from annolooop.labelstudio.server.page_host import page_host

LOGIN = Credentials("me", "password", "f" * 40)


def refuse(name: str) -> str:
    raise socket.gaierror


def test_name_is_that_of_one_server_and_tells_nothing_of_its_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    name = page_host(LOGIN)
    assert name.startswith("annoloop-")
    assert name.endswith(".localhost")
    assert page_host(LOGIN) == name
    assert page_host(Credentials("me", "password", "e" * 40)) != name
    assert LOGIN.token[:6] not in name


def test_where_a_browser_may_not_know_the_name_it_is_the_usual_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(socket, "gethostbyname", refuse)
    assert page_host(LOGIN) == "127.0.0.1"
    monkeypatch.setattr(socket, "gethostbyname", lambda name: "127.0.0.1")
    assert page_host(LOGIN).endswith(".localhost")
