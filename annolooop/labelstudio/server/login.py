"""Open a page of the local Label Studio already logged in."""

import os
import secrets
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx

from annolooop.errors import UnreachableError
from annolooop.labelstudio.server.credentials import Credentials
from annolooop.labelstudio.server.port import HOST

WAIT = 20.0  # seconds for the browser to come
GRACE = 1.0  # seconds after that in which the login may be asked for once more
PAGE = """<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url={address}"><title>annoloop</title>
<a href="{address}">Open Label Studio</a>
"""


def open_session(url: str, credentials: Credentials) -> dict[str, str]:
    """Log in as a browser does.

    Returns:
        The cookies of the session.

    Raises:
        UnreachableError: the server does not take the login.
    """
    try:
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as browser:
            browser.get("/user/login/")
            form = {
                "email": credentials.username,
                "password": credentials.password,
                "csrfmiddlewaretoken": browser.cookies.get("csrftoken", ""),
            }
            browser.post("/user/login/", data=form)
            cookies = dict(browser.cookies)
    except httpx.HTTPError as error:
        raise UnreachableError(
            f"Label Studio does not answer at {url}", "Start it: annoloop up"
        ) from error
    if "sessionid" not in cookies:
        raise UnreachableError(
            f"Label Studio at {url} does not take the login of credentials.json",
            "Its password was changed: log in by hand, after annoloop dataset launch NAME "
            "--no-browser",
        )
    return cookies


def open_browser(page: str, cookies: dict[str, str], folder: Path) -> tuple[bool, bool]:
    """Open a page in the user's browser, with these cookies.

    A small server on this machine answers one request, at an address that nobody can guess and that
    works once: it hands the cookies over and sends the browser on. Cookies belong to a host, not to
    a port, so they hold for Label Studio too. The address is only in a file that nobody else may
    read: what a browser is started with, all users of the machine can see.

    Args:
        page: the address to open.
        cookies: of a session.
        folder: for the file; it is removed.

    Returns:
        Whether a browser came; and whether the login was asked for once more, as somebody else may
        have come before it.
    """
    ticket = f"/{secrets.token_urlsafe(32)}"
    uses: list[float] = []
    opened: list[bool] = []

    class Once(BaseHTTPRequestHandler):
        timeout = WAIT

        def do_GET(self) -> None:
            if self.path != ticket:
                self.send_error(404)
                return
            uses.append(time.monotonic())
            if len(uses) > 1:
                self.send_error(410, "This login was used already", "See the terminal.")
                return
            self.send_response(303)
            self.send_header("Location", page)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            for name, value in cookies.items():
                self.send_header("Set-Cookie", f"{name}={value}; Path=/; SameSite=Lax; HttpOnly")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the address must not be written anywhere."""

    def waiting() -> bool:
        now = time.monotonic()
        if uses:
            return len(uses) == 1 and now < min(uses[0] + GRACE, deadline)
        return opened != [False] and now < deadline

    host = urlsplit(page).hostname or HOST
    with _Server((HOST, 0), Once) as server, _redirecting(folder, host, server, ticket) as file:
        server.timeout = 0.1
        deadline = time.monotonic() + WAIT
        # In a thread, as a browser in the terminal returns only when it is closed.
        Thread(target=lambda: opened.append(webbrowser.open(file.as_uri())), daemon=True).start()
        while waiting():
            server.handle_request()
    return bool(uses), len(uses) > 1


class _Server(ThreadingHTTPServer):
    """A thread for each connection: one that says nothing keeps no other waiting."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a connection that was closed early is no news."""


@contextmanager
def _redirecting(folder: Path, host: str, server: HTTPServer, ticket: str) -> Iterator[Path]:
    """A page of this machine, which only this account may read, that leads to the server."""
    address = f"http://{host}:{server.server_port}{ticket}"
    file = folder / f"login-{secrets.token_hex(4)}.html"
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        out.write(PAGE.format(address=address))
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)
