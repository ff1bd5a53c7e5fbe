"""The server of the contact sheet: of this machine alone, and there as soon as its port is."""

import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from annolooop.web.serve import bind, serving


def test_who_comes_before_it_serves_waits() -> None:
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("there"))])
    opened = bind(0)
    port = opened.getsockname()[1]
    early = socket.create_connection(("127.0.0.1", port), 5)
    early.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with serving(app, opened) as thread:
        assert early.makefile("rb").read().endswith(b"there")
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text == "there"
    early.close()
    assert not thread.is_alive()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
