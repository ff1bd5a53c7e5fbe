"""The login of the local Label Studio: made once, kept in a file that only its owner may read."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from annolooop.errors import ConfigError
from annolooop.files.whole import replacing

USERNAME = "annoloop@localhost.local"


@dataclass(frozen=True)
class Credentials:
    """Login of the one account of a local server. Never printed by accident."""

    username: str
    password: str
    token: str

    def __repr__(self) -> str:
        return f"Credentials({self.username})"


def load_credentials(file: Path) -> Credentials | None:
    """Read the login, or ``None`` before there is one.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        read = Credentials(**json.loads(file.read_text(encoding="utf-8")))
        if not all(isinstance(value, str) for value in asdict(read).values()):
            raise TypeError
        return read
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError):
        # No cause: a JSON error may quote what it read.
        raise ConfigError(
            f"{file} cannot be read", "Put it back from a backup; it holds the server's login."
        ) from None


def make_credentials(file: Path) -> Credentials:
    """Make a login with a random password and token, and write it to a file of mode 0600."""
    made = Credentials(USERNAME, secrets.token_urlsafe(12), secrets.token_hex(20))
    with replacing(file) as part:
        part.touch(mode=0o600)
        part.write_text(json.dumps(asdict(made)), encoding="utf-8")
    return made
