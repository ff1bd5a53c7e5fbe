"""Open a page of the local Label Studio already logged in."""

import secrets
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx

from annolooop.errors import UnreachableError
from annolooop.labelstudio.server.credentials import Credentials
from annolooop.labelstudio.server.port import HOST

WAIT = 20.0  # seconds for the browser to come


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


def open_browser(page: str, cookies: dict[str, str]) -> bool:
    """Open a page in the user's browser, with these cookies.

    A small server on this machine answers one request, at an address that nobody can guess
    and that works once: it hands the cookies over and sends the browser on. Cookies belong to
    a host, not to a port, so they hold for Label Studio too.

    Returns:
        Whether a browser came.
    """
    ticket = f"/{secrets.token_urlsafe(32)}"
    came: list[bool] = []
    opened: list[bool] = []

    class Handover(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != ticket or came:
                self.send_error(404)
                return
            came.append(True)
            self.send_response(303)
            self.send_header("Location", page)
            self.send_header("Cache-Control", "no-store")
            for name, value in cookies.items():
                self.send_header("Set-Cookie", f"{name}={value}; Path=/; SameSite=Lax; HttpOnly")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the address must not be written anywhere."""

    with HTTPServer((HOST, 0), Handover) as server:
        server.timeout = 0.2
        address = f"http://{HOST}:{server.server_port}{ticket}"
        # In a thread, as a browser in the terminal returns only when it is closed.
        Thread(target=lambda: opened.append(webbrowser.open(address)), daemon=True).start()
        deadline = time.monotonic() + WAIT
        while not came and opened != [False] and time.monotonic() < deadline:
            server.handle_request()
    return bool(came)
