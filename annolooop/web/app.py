"""The contact sheet's page and its endpoints: who asks is who is logged in to Label Studio."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from annolooop.domain.rounds import Page, Saved
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.sessions import COOKIE, NotLoggedIn, Person

PAGES = Path(__file__).parent / "pages"
MOST_TILES = 60  # of a page
MOST_BYTES = 100_000  # of a request
KEPT = "private, max-age=31536000, immutable"  # a picture is named by its content
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Sheet(Protocol):
    """What the page asks for; :class:`annolooop.loop.sheet.sheet.Sheet` is one."""

    dataset: str
    labels: tuple[str, ...]
    keys: dict[str, str]

    @property
    def left(self) -> int: ...
    def person(self, session: str) -> Person: ...
    def page(self, person: Person, size: int, anew: bool) -> Page | None: ...
    def save(self, session: str, answers: Mapping[int, str | None], seconds: float) -> Saved: ...
    def take_back(self, session: str, annotations: Mapping[int, int | None]) -> None: ...
    def thumbnail(self, sha256: str) -> bytes | None: ...
    def picture(self, sha256: str) -> bytes | None: ...


class Refused(Exception):
    """The request is none that a page of ours sends; the text says why."""


def sheet_app(sheet: Sheet, hosts: list[str], login: str) -> Starlette:
    """The web application.

    Args:
        sheet: pages of images, and what becomes of answers.
        hosts: names by which browsers may ask for it.
        login: address of Label Studio's page for those who are not logged in.
    """
    ask = _Asked(sheet, login)
    routes = [
        Route("/", ask.html),
        Route("/api/sheet", ask.of(ask.about)),
        Route("/api/page", ask.of(ask.page)),
        Route("/api/answers", ask.of(ask.answers), methods=["POST"]),
        Route("/api/undo", ask.of(ask.undo), methods=["POST"]),
        Route("/thumbnails/{sha256}", ask.of(ask.thumbnail)),
        Route("/pictures/{sha256}", ask.of(ask.picture)),
        Mount("/static", StaticFiles(directory=PAGES)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, hosts)])


Ask = Callable[[str, Request, object], Response]


class _Asked:
    """The endpoints.

    Args:
        sheet, login: as of :func:`sheet_app`.
    """

    def __init__(self, sheet: Sheet, login: str) -> None:
        self._sheet, self._login = sheet, login
        self._html = (PAGES / "sheet.html").read_text(encoding="utf-8")

    async def html(self, request: Request) -> Response:
        """The page itself, which holds nothing yet."""
        return HTMLResponse(self._html, headers=HEADERS)

    def of(self, ask: Ask) -> Callable[[Request], object]:
        """An endpoint: it has the session and the body, and its errors are answers."""

        async def endpoint(request: Request) -> Response:
            try:
                body = await _body(request) if request.method == "POST" else None
                session = request.cookies.get(COOKIE, "")
                if not session:
                    raise NotLoggedIn
                response = await run_in_threadpool(ask, session, request, body)
            except NotLoggedIn:
                response = JSONResponse({"login": self._login}, 401)
            except Refused as error:
                response = JSONResponse({"error": str(error)}, 400)
            except UnreachableError as error:
                response = JSONResponse({"error": error.message}, 503)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return endpoint

    def about(self, session: str, request: Request, body: object) -> Response:
        """Who is logged in, and which labels there are."""
        person, sheet = self._sheet.person(session), self._sheet
        labels = [{"name": label, "key": sheet.keys.get(label, "")} for label in sheet.labels]
        return JSONResponse(
            {
                "dataset": sheet.dataset,
                "labels": labels,
                "person": person.email,
                "left": sheet.left,
            }
        )

    def page(self, session: str, request: Request, body: object) -> Response:
        """The next page, or ``null``."""
        try:
            size = min(max(int(request.query_params.get("size", "24")), 1), MOST_TILES)
        except ValueError:
            raise Refused("size is not a number") from None
        person = self._sheet.person(session)
        page = self._sheet.page(person, size, "anew" in request.query_params)
        return JSONResponse(asdict(page) if page else None)

    def answers(self, session: str, request: Request, body: object) -> Response:
        """Save the answers of a page: task -> label, or null to skip it."""
        answers, seconds = _answers(body, self._sheet.labels)
        return JSONResponse(asdict(self._sheet.save(session, answers, seconds)))

    def undo(self, session: str, request: Request, body: object) -> Response:
        """Take answers back: task -> annotation."""
        if not isinstance(body, dict) or not all(
            one is None or type(one) is int for one in body.values()
        ):
            raise Refused("not a list of annotations")
        self._sheet.take_back(session, {_number(task): v for task, v in body.items()})
        return JSONResponse({"left": self._sheet.left})

    def thumbnail(self, session: str, request: Request, body: object) -> Response:
        """A small picture of a page."""
        self._sheet.person(session)
        return _picture(self._sheet.thumbnail(request.path_params["sha256"]))

    def picture(self, session: str, request: Request, body: object) -> Response:
        """A large picture of a page."""
        self._sheet.person(session)
        return _picture(self._sheet.picture(request.path_params["sha256"]))


def _picture(data: bytes | None) -> Response:
    if data is None:
        return Response(status_code=404)
    return Response(data, media_type="image/webp", headers={"Cache-Control": KEPT})


async def _body(request: Request) -> object:
    """JSON of a page of ours: a form of another site cannot send it.

    Raises:
        Refused: it comes from elsewhere, or is no JSON.
    """
    origin, host = request.headers.get("origin", ""), request.headers.get("host", "")
    if origin.partition("://")[2] != host:
        raise Refused("it does not come from this page")
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refused("it is not JSON")
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MOST_BYTES:
            raise Refused("it is too long")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Refused("it is not JSON") from None


def _answers(body: object, labels: tuple[str, ...]) -> tuple[dict[int, str | None], float]:
    answers = body.get("answers") if isinstance(body, dict) else None
    seconds = body.get("seconds") if isinstance(body, dict) else None
    if not isinstance(answers, dict) or not isinstance(seconds, int | float) or seconds < 0:
        raise Refused("no answers, or no time")
    for label in answers.values():
        if label is not None and label not in labels:
            raise Refused("a label that the dataset does not have")
    return {_number(task): label for task, label in answers.items()}, min(float(seconds), 3600.0)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Refused("a task that is no number")
    return int(text)
