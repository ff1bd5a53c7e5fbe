"""Google Cloud Storage: a file system, and what its failures mean."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import google.auth
from aiohttp import ClientError
from gcsfs.core import GCSFileSystem  # the plain one: gcsfs's own default probes each bucket
from gcsfs.retry import HttpError
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from annolooop.errors import ConfigError
from annolooop.storage.store import Provider

SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"


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


def read_service_account(given: str, path: Path) -> str:
    """JSON of a service account's key, given as itself or as the path of its file.

    Raises:
        ConfigError: it is neither.
    """
    where = "gcs.credentials"
    text = given
    if not given.lstrip().startswith("{"):
        where = f"gcs.credentials: {path}"
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise ConfigError(
                f"{where}: cannot be read: {reason}",
                "Name the JSON file of a service account's key, or give its content.",
            ) from None
    try:
        service_account.Credentials.from_service_account_info(json.loads(text))
    except (ValueError, TypeError, GoogleAuthError):
        raise ConfigError(
            f"{where}: this is not the key of a service account",
            "Make one: gcloud iam service-accounts keys create key.json --iam-account=…",
        ) from None
    return text


def open_gcs(access: GCSAccess) -> Provider:
    """A file system that caches no listings.

    Raises:
        ConfigError: there are no credentials, or they are refused.
    """
    file_system = GCSFileSystem(
        project=access.project or "",
        token=_token(access),
        endpoint_url=access.endpoint,
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    return Provider(
        file_system,
        (OSError, HttpError, GoogleAuthError, ClientError),
        explain=_explain,
        content_type=lambda kind: {"content_type": kind},
    )


def _token(access: GCSAccess) -> Any:
    """Credentials, tried once: the file system itself would try for half a minute."""
    if access.service_account is None and access.endpoint:
        return "anon"
    try:
        credentials = _credentials(access)
        credentials.refresh(Request())
    except GoogleAuthError as error:
        message, hint = _explain(error) or (str(error), "")
        raise ConfigError(f"gcs: {message}", hint) from error
    return credentials


def _credentials(access: GCSAccess) -> Credentials:
    if access.service_account:
        made: Credentials = service_account.Credentials.from_service_account_info(
            json.loads(access.service_account), scopes=[SCOPE]
        )
        return made
    found, _ = google.auth.default(scopes=[SCOPE])
    return found


def _explain(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, FileNotFoundError):
        return "the bucket is not there", "Make the bucket: annoloop storage setup"
    return None
