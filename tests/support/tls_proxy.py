"""A reverse proxy as companies have them: https, a path prefix, a certificate of their own."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import trustme

# What a proxy says by itself.
HOP = {
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "transfer-encoding",
}


@contextmanager
def proxy(
    port: int,
    certificate: trustme.LeafCert | None,
    upstream: str = "",
    prefix: str = "",
    moved_to: str = "",
) -> Iterator[None]:
    """Serve on 127.0.0.1 while the block runs.

    Args:
        port: where.
        certificate: for https; ``None`` for http.
        upstream: where requests below ``prefix`` go, without it. All others get a page that is
            not Label Studio's, but the front page leads to ``prefix``.
        prefix: path that the server is given.
        moved_to: send all requests there instead.
    """
    client = httpx.Client(timeout=60, trust_env=False)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if moved_to:
                self.reply(301, {"Location": f"{moved_to}{self.path}"}, b"<html>moved</html>")
            elif self.path.startswith(f"{prefix}/") and upstream:
                headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
                answer = client.request(
                    self.command,
                    upstream + self.path.removeprefix(prefix),
                    headers={**headers, "X-Forwarded-Proto": "https"},
                    content=body,
                )
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP}
                self.reply(answer.status_code, kept, answer.content)
            elif self.path == "/" and upstream:
                self.reply(302, {"Location": f"{prefix}/"}, b"")
            else:
                self.reply(404, {"Content-Type": "text/html"}, b"<html>the portal</html>")

        do_GET = do_POST = do_PATCH = do_DELETE = answer

        def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Quiet: clients that do not trust the certificate hang up."""

    with Server(("127.0.0.1", port), Handler) as server, client:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()
