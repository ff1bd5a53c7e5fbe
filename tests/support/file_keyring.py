"""A backend for the real keyring package: a JSON file, so that commands in a process of their own
find what a test puts there."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """Entries in the file that ``$TEST_KEYRING`` names; no file is a keyring that is broken."""

    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        entries = json.loads(Path(os.environ["TEST_KEYRING"]).read_text(encoding="utf-8"))
        return entries.get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError
