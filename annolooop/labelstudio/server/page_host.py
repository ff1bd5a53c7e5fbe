"""The name by which people's browsers ask for the local server."""

import hashlib
import socket
import sys

from annolooop.labelstudio.server.credentials import Credentials
from annolooop.labelstudio.server.port import HOST

ANY_NAME = ".localhost"  # names that lead to this machine, whoever asks


def page_host(credentials: Credentials) -> str:
    """A name of this machine that only this server has, and that nobody can guess.

    A browser sends the cookies of a host to all of its ports, so at 127.0.0.1 any program that
    listens there would get those of the session. Browsers know names below ``localhost`` by
    themselves; only those of macOS may ask the system, which need not know them.
    """
    digest = hashlib.sha256(f"name of {credentials.token}".encode()).hexdigest()
    name = f"annoloop-{digest[:12]}{ANY_NAME}"
    return name if sys.platform != "darwin" or _is_known(name) else HOST


def _is_known(name: str) -> bool:
    try:
        return socket.gethostbyname(name) == HOST
    except OSError:
        return False
