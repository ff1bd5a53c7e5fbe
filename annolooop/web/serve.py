"""A server of this machine, until Ctrl+C."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from starlette.applications import Starlette

HOST = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """A socket of this machine alone; port 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((HOST, port))
    opened.listen(128)  # from now on browsers wait, and are not refused
    return opened


@contextmanager
def serving(app: Starlette, opened: socket.socket) -> Iterator[Thread]:
    """Serve in a thread, while the block runs.

    Args:
        app: to serve.
        opened: where it listens.
    """
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([opened],), name="web", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join(10)
        opened.close()
