"""A server that gives prepared answers to the requests of one test, and keeps what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.project import Project

from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.studio import Studio

TOKEN = "f" * 40


@dataclass(frozen=True)
class Request:
    """What was asked.

    Attributes:
        method, path: as in the request; the path without its query.
        query: first value of each name.
        body: JSON, or ``None``.
        headers: names in small letters.
    """

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class FakeLabelStudio:
    """Answers by method and path.

    Attributes:
        url: of the server.
        requests: in their order.
    """

    url: str
    requests: list[Request] = field(default_factory=list)
    _answers: dict[tuple[str, str], list[tuple[int, Any, dict[str, str]]]] = field(
        default_factory=dict
    )

    @property
    def studio(self) -> Studio:
        return Studio(self.connection())

    def connection(self, ours: bool = False, timeout: float = 5) -> Connection:
        return Connection(self.url, TOKEN, timeout, ours)

    def answer(
        self, method: str, path: str, body: Any = None, status: int = 200, **headers: str
    ) -> None:
        """The next answer to this; the last one is given again and again.

        Args:
            method, path: of the request.
            body: text, or what becomes JSON.
            status: of the answer.
            headers: names with _ for -.
        """
        self._answers.setdefault((method, path), []).append((status, body, headers))

    def bodies(self, method: str, path: str) -> list[Any]:
        """What was sent to an address."""
        return [r.body for r in self.requests if (r.method, r.path) == (method, path)]

    def take(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        """Keep a request, and take its answer."""
        self.requests.append(request)
        answers = self._answers.get((request.method, request.path))
        if not answers:
            return 404, {"detail": "Not found."}, {}
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def fake_label_studio() -> Iterator[FakeLabelStudio]:
    """Run one, on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            status, body, headers = fake.take(
                Request(
                    self.command,
                    parts.path,
                    {name: values[0] for name, values in parse_qs(parts.query).items()},
                    json.loads(sent) if sent else None,
                    {name.lower(): value for name, value in self.headers.items()},
                )
            )
            text = body if isinstance(body, str) else json.dumps(body)
            data = b"" if status == 204 else text.encode()
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = handle_any

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake = FakeLabelStudio(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield fake
        finally:
            server.shutdown()


def project_on(fake: FakeLabelStudio, folder: Path) -> Project:
    """A project folder whose Label Studio is this one, with a store of its own."""
    return Project(
        folder,
        {
            "store": {"url": "store"},
            "label_studio": {"url": fake.url, "api_key": TOKEN, "timeout": 5},
            "dataset": {"name": "cats", "labels": ["a", "b"]},
            "model": {"backbone": "mobilenet_v2", "weights": "starter"},
            "cache_dir": "cache",
        },
    )
