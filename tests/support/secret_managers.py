"""A fake of the managers of secrets of Google and Azure, and of what AWS says beyond moto.

No server that one can run speaks these interfaces. It answers as their references describe, in as
far as their own libraries look at it: these are the real ones.
"""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import trustme

TOKEN = "t0ken-of-the-cloud"


@dataclass
class FakeClouds:
    """Answers by path, and the paths that were asked for with a token.

    Attributes:
        port: of Google's and AWS's interface, and of what gives out tokens; http.
        tls_port: of Azure's; https.
        answers: status and JSON.
        tokens: status and JSON of who asks for a token.
        asked: paths.
    """

    port: int
    tls_port: int
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    tokens: tuple[int, Any] = (0, None)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def vault(self) -> str:
        return f"127.0.0.1:{self.tls_port}"

    @property
    def login(self) -> str:
        """Azure's login service; a tenant of this name is not looked up at Microsoft's."""
        return f"https://{self.vault}/adfs"

    def reset(self) -> None:
        self.answers.clear()
        self.asked.clear()
        self.tokens = (
            200,
            {
                "access_token": TOKEN,
                "expires_in": 3600,
                "token_type": "Bearer",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            },
        )

    def put_gcp(self, name: str, data: bytes) -> None:
        found = {"name": name, "payload": {"data": base64.b64encode(data).decode()}}
        self.answers[f"/v1/{name}:access"] = (200, found)

    def put_azure(self, name: str, value: str) -> None:
        found = {"value": value, "id": f"https://{self.vault}/secrets/{name}/1", "attributes": {}}
        self.answers[f"/secrets/{name}/"] = (200, found)

    def answer(self, path: str, allowed: str) -> tuple[int, Any, dict[str, str]]:
        if path.endswith("/token"):
            return *self.tokens, {}
        if path.endswith("/.well-known/openid-configuration"):
            message = {"token_endpoint": f"{self.login}/token", "issuer": self.login}
            return 200, {**message, "authorization_endpoint": f"{self.login}/authorize"}, {}
        if allowed == f"Bearer {TOKEN}" or path == "/":
            self.asked.append(path)
            missing = {"error": {"code": 404, "status": "NOT_FOUND", "message": "x"}}
            if path.startswith("/secrets/"):
                missing["error"]["code"] = "SecretNotFound"
            return *self.answers.get(path, (404, missing)), {}
        # A vault tells whom to ask for a token; what it is for must be the end of the vault's name.
        resource = f"https://{self.vault.partition('.')[2]}"
        challenge = f'Bearer authorization="{self.login}", resource="{resource}"'
        return 401, {"error": {"code": "Unauthorized"}}, {"WWW-Authenticate": challenge}


@contextmanager
def fake_clouds(ca: trustme.CA) -> Iterator[FakeClouds]:
    """Both servers for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, message, headers = clouds.answer(
                self.path.partition("?")[0], self.headers.get("Authorization", "")
            )
            body = json.dumps(message).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = respond

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as plain, Server(("127.0.0.1", 0), Handler) as tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("127.0.0.1").configure_cert(context)
        tls.socket = context.wrap_socket(
            tls.socket, server_side=True, do_handshake_on_connect=False
        )
        clouds = FakeClouds(plain.server_port, tls.server_port)
        for server in (plain, tls):
            Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield clouds
        plain.shutdown()
        tls.shutdown()
