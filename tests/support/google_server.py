"""What fake-gcs-server does not do: give tokens, and refuse.

A server on this machine that answers as the test says stands in for Google's.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

TOKEN = {"access_token": "a-token-of-the-tests", "expires_in": 3600, "token_type": "Bearer"}
Answer = tuple[int, dict[str, Any]]


@contextmanager
def answering(answer: Callable[[str, str], Answer | None], behind: str = "") -> Iterator[str]:
    """A server for the length of a block; its address.

    Args:
        answer: status and JSON for method and path, or ``None`` to ask the server ``behind``.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = answer(self.command, self.path)
            if reply:
                status, kind, content = (
                    reply[0],
                    "application/json",
                    json.dumps(reply[1]).encode(),
                )
            else:
                kept = {k: v for k, v in self.headers.items() if k.lower() != "host"}
                got = httpx.request(
                    self.command, behind + self.path, headers=kept, content=body, trust_env=False
                )
                status, content = got.status_code, got.content
                kind = got.headers.get("Content-Type", "")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def refusal(status: int, message: str) -> Answer:
    """How Google Cloud Storage words an error."""
    return status, {"error": {"code": status, "message": message}}


@cache
def _private_key() -> str:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def service_account_key(token_uri: str) -> str:
    """JSON of a service account's key, such as Google gives, for a server of tokens."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "lab-project",
            "private_key_id": "1",
            "private_key": _private_key(),
            "client_email": "annoloop@lab-project.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": token_uri,
        }
    )
