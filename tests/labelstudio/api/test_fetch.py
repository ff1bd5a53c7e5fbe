"""What people name is fetched within bounds, and from no private network that nobody allowed."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.errors import UnreachableError
from annolooop.labelstudio.api import fetch
from annolooop.labelstudio.api.connection import Connection, Rejected
from annolooop.labelstudio.api.fetch import Forbidden, is_private

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A web server of this machine, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.at = f"127.0.0.1:{port}"
        self.url = f"http://{self.at}"
        self.asked: list[tuple[str, dict[str, str]]] = []


@contextmanager
def site(answer: Answer) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        running = Site(server.server_port)
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield running
        server.shutdown()


def image(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "image/png")
    request.end_headers()
    request.wfile.write(b"png")


def to(address: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", address)
        request.end_headers()

    return answer


def connect(fake: FakeLabelStudio, *allowed: str) -> Connection:
    return Connection(fake.url, "0" * 40, 5, False, allowed)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.20.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:a00:1",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "ff02::1",
    ],
)
def test_addresses_that_are_not_of_the_public_internet(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_public_internet(address: str) -> None:
    assert not is_private(address)


def test_host_of_a_private_network_is_refused_with_what_allows_it(fake: FakeLabelStudio) -> None:
    with site(image) as other, pytest.raises(Forbidden) as caught:
        connect(fake).download(f"{other.url}/a.png", None)
    assert f"label_studio.allowed_hosts: ['{other.at}']" in caught.value.message
    assert other.asked == []


def test_name_that_leads_to_a_private_address_is_refused(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: Any = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))]
    found += [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.0.9", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **how: found)
    with pytest.raises(Forbidden, match=r"files\.example\.org is in a private network"):
        connect(fake).download("http://files.example.org/a.png", None)


@pytest.mark.parametrize(
    "host", ["localhost", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_loopback_is_refused_however_it_is_spelt(fake: FakeLabelStudio, host: str) -> None:
    with site(image) as other, pytest.raises(Forbidden, match="in a private network"):
        connect(fake).download(f"http://{host}:{other.at.split(':')[1]}/a.png", None)


@pytest.mark.parametrize("how", ["host", "port"])
def test_host_that_is_allowed_is_asked_without_login(fake: FakeLabelStudio, how: str) -> None:
    with site(image) as other:
        allowed = other.at if how == "port" else "127.0.0.1"
        connection = connect(fake, allowed)
        assert connection.download(f"{other.url}/a.png", {"sessionid": "1"}).content == b"png"
    (asked,) = other.asked
    assert "authorization" not in asked[1]
    assert "cookie" not in asked[1]


def test_port_that_is_allowed_allows_no_other(fake: FakeLabelStudio) -> None:
    with site(image) as one, site(image) as other, pytest.raises(Forbidden):
        connect(fake, one.at).download(f"{other.url}/a.png", None)


def test_redirect_to_a_private_network_is_refused(fake: FakeLabelStudio) -> None:
    with site(image) as inner, site(to(f"{inner.url}/secret")) as outer:
        with pytest.raises(Forbidden):
            connect(fake, outer.at).download(f"{outer.url}/a.png", None)
        assert inner.asked == []


def test_redirect_of_the_server_takes_no_login_to_another_port(fake: FakeLabelStudio) -> None:
    with site(image) as bucket:
        fake.answer("GET", "/data/a.png", "", 302, location=f"{bucket.url}/signed")
        assert connect(fake, bucket.at).download("/data/a.png", None).content == b"png"
    assert "authorization" in fake.requests[0].headers
    assert "authorization" not in bucket.asked[0][1]


def test_redirect_to_the_server_is_followed(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/data/a.png", "", 302, location="/other/a.png")
    fake.answer("GET", "/other/a.png", "image")
    assert connect(fake).download("/data/a.png", None).is_success


def test_redirects_without_end_are_refused(fake: FakeLabelStudio) -> None:
    with site(to("/again")) as other, pytest.raises(Forbidden, match="redirected more than 5"):
        connect(fake, other.at).download(f"{other.url}/a.png", None)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x.example/a.png"])
def test_other_schemes_are_refused(fake: FakeLabelStudio, address: str) -> None:
    with site(to(address)) as other, pytest.raises(Forbidden, match="no address of a web server"):
        connect(fake, other.at).download(f"{other.url}/a.png", None)


def test_what_is_compressed_is_refused_undecoded(fake: FakeLabelStudio) -> None:
    def bomb(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.end_headers()
        request.wfile.write(b"\x1f\x8b" + bytes(1000))

    with site(bomb) as other, pytest.raises(Forbidden, match="compressed by gzip"):
        connect(fake, other.at).download(f"{other.url}/a.png", None)
    assert other.asked[0][1]["accept-encoding"] == "identity"


@pytest.mark.parametrize("announced", [True, False])
def test_file_of_too_many_bytes_is_refused(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    def large(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if announced:
            request.send_header("Content-Length", "5000")
        request.end_headers()
        request.wfile.write(bytes(5000))

    monkeypatch.setattr(fetch, "MOST_BYTES", 1000)
    with site(large) as other, pytest.raises(Forbidden, match="larger than"):
        connect(fake, other.at).download(f"{other.url}/a.png", None)


@pytest.mark.parametrize("part", ["headers", "body", "nothing"])
def test_byte_now_and_then_ends_after_the_seconds_for_all(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        if part == "body":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        elif part == "headers":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(50):
            if part != "nothing":
                request.wfile.write(b"x")
            time.sleep(0.1)

    monkeypatch.setattr(fetch, "SECONDS", 0.6)
    begun = time.monotonic()
    with site(drip) as other, pytest.raises(UnreachableError, match="ReadTimeout"):
        connect(fake, other.at).download(f"{other.url}/a.png", None)
    assert time.monotonic() - begun < 3


def test_error_of_another_host_is_named(fake: FakeLabelStudio) -> None:
    def gone(request: BaseHTTPRequestHandler) -> None:
        request.send_error(404)

    with site(gone) as other, pytest.raises(Rejected, match="answers 404"):
        connect(fake, other.at).download(f"{other.url}/a.png", None)


def test_proxy_is_asked_for_what_only_it_knows_and_for_nothing_private(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site(image) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(Forbidden):
            connect(fake).download("http://10.0.0.1/a.png", None)
        assert connect(fake).download("http://only.invalid/a.png", None).content == b"png"
    assert [path for path, _ in proxy.asked] == ["http://only.invalid/a.png"]
