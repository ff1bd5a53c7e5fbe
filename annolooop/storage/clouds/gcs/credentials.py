"""Who we are to Google Cloud Storage: the key of a service account, or what the machine has."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import google.auth
from google.auth.credentials import Credentials
from google.auth.environment_vars import CREDENTIALS, GCE_METADATA_IP
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from annolooop.errors import ConfigError

SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"
SECONDS = 5.0  # for one answer of a server that gives tokens
METADATA = "169.254.169.254"  # on Google's own machines, a server that gives tokens
PROBE = 2.0  # seconds for that one
NOT_FOUND = "Your default credentials were not found"  # begins google-auth's message too
KIND = "service_account"
LONG = 500  # characters that no path has, but each private key
NEW_KEY = "Make one: gcloud iam service-accounts keys create key.json --iam-account=…"


@dataclass(frozen=True)
class GCSAccess:
    """How to reach a bucket.

    Attributes:
        endpoint: address of a server other than Google's.
        project: Google Cloud project of the bucket.
        service_account: JSON of a service account's key; without one, the application default
            credentials of this machine are used, or none where there is an endpoint.
    """

    endpoint: str | None = None
    project: str | None = None
    service_account: str | None = field(default=None, repr=False)


def read_service_account(key: str, path: Path) -> str:
    """JSON of a service account's key.

    Args:
        key: the JSON, or the path of its file.
        path: the same as a path.

    Raises:
        ConfigError: it is neither.
    """
    where = "gcs.credentials"
    text = key
    if not key.lstrip().startswith("{"):
        if len(key) < LONG:  # else it may be a key after all, in base64 say: it is not shown
            where = f"gcs.credentials: {path}"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise ConfigError(
                f"{where}: cannot be read: {reason}",
                "Name the JSON file of a service account's key, or give its content.",
            ) from None
    info = _parsed(text)
    if info is None:
        raise ConfigError(f"{where}: this is not JSON", NEW_KEY)
    if info.get("type") != KIND:
        raise ConfigError(
            f"{where}: this is not the key of a service account, its type is "
            f"{info.get('type', 'missing')}",
            "For other credentials, leave gcs.credentials out, and set "
            f"{CREDENTIALS} to the file. For a key: {NEW_KEY[10:]}",
        )
    try:
        service_account.Credentials.from_service_account_info(info)
    except (ValueError, TypeError, GoogleAuthError):
        raise ConfigError(f"{where}: this key of a service account is not whole", NEW_KEY) from None
    return text


def key_of_machine() -> str | None:
    """JSON of the service account's key that this machine's default credentials are, if so."""
    try:
        text = Path(os.environ.get(CREDENTIALS, "")).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    return text if (_parsed(text) or {}).get("type") == KIND else None


class Login:
    """Credentials, looked for when they are first needed, and renewed before they end.

    gcsfs's own would be tried for half a minute where they are refused.
    """

    def __init__(self, access: GCSAccess) -> None:
        self._access = access
        self._lock = Lock()
        self._project: str | None = None
        self.credentials: Credentials | None = None

    @property
    def project(self) -> str:
        """The project of the bucket, or else of the credentials."""
        with self._lock:
            self._find()
        return self._access.project or self._project or ""

    def apply(self, headers: dict[str, str]) -> None:
        """Add them to a request.

        Raises:
            GoogleAuthError: there are none, or they are refused.
        """
        with self._lock:
            self._find()
            if self.credentials is None:
                return
            if not self.credentials.valid:
                self.credentials.refresh(_Impatient())
            self.credentials.apply(headers)

    def _find(self) -> None:
        key = self._access.service_account
        if self.credentials or (self._access.endpoint and not key):
            return
        if key:
            info = json.loads(key)
            self.credentials = service_account.Credentials.from_service_account_info(
                info, scopes=[SCOPE]
            )
            self._project = info.get("project_id")
        else:
            self.credentials, self._project = google.auth.default([SCOPE], request=_Search())


class _Impatient(Request):
    """Waits for seconds, and not for minutes."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["timeout"] = min(kwargs.get("timeout") or SECONDS, SECONDS)
        return super().__call__(*args, **kwargs)  # type: ignore[no-untyped-call]


class _Search(_Impatient):
    """While credentials are looked for: off Google's own machines, their server never answers."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        url = str(kwargs.get("url"))
        if "//cloudresourcemanager." in url:  # the project of a federation, needed by nobody here
            return SimpleNamespace(status=404, headers={}, data=b"{}")
        if urlsplit(url).netloc != os.environ.get(GCE_METADATA_IP, METADATA):
            return super().__call__(*args, **kwargs)
        try:
            return super().__call__(*args, **{**kwargs, "timeout": PROBE})
        except TransportError:
            if _on_google():
                raise  # to be asked again
            raise DefaultCredentialsError(NOT_FOUND) from None


def _on_google() -> bool:
    try:
        return Path("/sys/class/dmi/id/product_name").read_text("utf-8").startswith("Google")
    except OSError:
        return False


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
