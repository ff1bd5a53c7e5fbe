"""Who listens at a port of this machine."""

import socket

import psutil

from annolooop.errors import ConfigError

HOST = "127.0.0.1"


def port_taken(port: int) -> bool:
    """Whether a program on this machine listens at the port.

    Raises:
        ConfigError: this account may not use it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise ConfigError(
                f"port {port} may not be used by this account",
                "Use a port above 1023: annoloop up --set label_studio.port=8093",
            ) from error
        except OSError:
            return True
    return False


def port_owner(port: int, variable: str) -> tuple[str, str]:
    """Name and number of the process at the port, and the value of a variable of it.

    Both are empty where this account may not look.
    """
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and tuple(connection.laddr)[1:2] == (port,)
                and connection.pid
            ):
                process = psutil.Process(connection.pid)
                owner = f" ({process.name()}, process {process.pid})"
                return owner, process.environ().get(variable, "")
    except (psutil.Error, OSError):
        pass  # other users' processes may not be looked at
    return "", ""
