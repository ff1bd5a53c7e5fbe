"""A network that fails in front of a bucket server: busy answers, cut connections, nobody there."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread

BLOCK = 65_536


@dataclass
class FaultyProxy:
    """Passes HTTP requests on as they are, or fails them.

    Signatures cover the name under which a client knows the server, so headers stay as they are.

    Attributes:
        port: where it listens, on 127.0.0.1.
        upstream: port of the server.
        fault: called with method and path of each request; ``"busy"`` answers with 503, ``"cut"``
            closes the connection within the server's answer, ``"lost"`` before it, though the
            server has done what was asked; ``""`` passes it on.
        seen: (method, path, fault) of each request.
        passed: (method, path, status) of each request that the server answered.
    """

    port: int
    upstream: int
    fault: Callable[[str, str], str] = lambda method, path: ""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    passed: list[tuple[str, str, int]] = field(default_factory=list)
    _gone: bool = False
    _open: set[socket.socket] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def leave(self) -> None:
        """Be gone: whoever is connected, or connects, is cut off."""
        self._gone = True
        with self._lock:
            for client in self._open:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def come_back(self) -> None:
        self._gone = False

    def fail_in_turn(self, *faults: str) -> None:
        """The next requests fail in these ways, the later ones pass."""
        left = list(faults)

        def fault(method: str, path: str) -> str:
            with self._lock:
                return left.pop(0) if left else ""

        self.fault = fault

    def _serve(self, client: socket.socket) -> None:
        with self._lock:
            self._open.add(client)
        try:
            with client, socket.create_connection(("127.0.0.1", self.upstream)) as server:
                while not self._gone and self._exchange(client, server):
                    pass
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(client)

    def _exchange(self, client: socket.socket, server: socket.socket) -> bool:
        """One request and its answer. Returns whether the connection goes on."""
        head, body = _receive(client)
        if not head:
            return False
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        fault = self.fault(method, path)
        self.seen.append((method, path, fault))
        if fault == "busy":
            text = b"" if method == "HEAD" else b"<Error><Code>SlowDown</Code></Error>"
            client.sendall(b"HTTP/1.1 503 Slow Down\r\nContent-Length: %d\r\n\r\n" % len(text))
            client.sendall(text)
            return True
        server.sendall(head + body)
        answer, content = _receive(server, bodiless=method == "HEAD")
        if not answer:
            return False
        self.passed.append((method, path, int(answer.split(b" ", 2)[1])))
        if self._gone or fault == "lost":
            return False
        if fault == "cut":
            client.sendall(answer + content[: len(content) // 2])
            return False
        client.sendall(answer + content)
        return True


def _receive(peer: socket.socket, bodiless: bool = False) -> tuple[bytes, bytes]:
    """Head and body of one message, as they are; nothing where the peer hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = peer.recv(BLOCK)
        if not block:
            return b"", b""
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    headers = dict(
        line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
    )
    head += b"\r\n\r\n"
    if bodiless or head.split(b" ", 2)[1] in (b"204", b"304"):
        return head, body
    if headers.get(b"expect"):
        peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = re.sub(rb"(?i)expect:[^\n]*\n", b"", head)
    chunked = headers.get(b"transfer-encoding") == b"chunked"
    length = int(headers.get(b"content-length", 0))
    while not body.endswith(b"0\r\n\r\n") if chunked else len(body) < length:
        block = peer.recv(BLOCK)
        if not block:
            return b"", b""
        body += block
    return head, body


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy for the length of a block, in front of a server at ``http://127.0.0.1:<port>``."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        made = FaultyProxy(listener.getsockname()[1], int(upstream.rpartition(":")[2]))

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                Thread(target=made._serve, args=(client,), daemon=True).start()

        Thread(target=accept, daemon=True).start()
        yield made
        listener.shutdown(socket.SHUT_RDWR)
        made.leave()
