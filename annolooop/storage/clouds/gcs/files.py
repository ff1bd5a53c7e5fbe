"""Google Cloud Storage: a file system, and what its failures mean."""

import asyncio
import logging
import random
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ClientTimeout
from fsspec.asyn import sync_wrapper
from gcsfs.core import GCSFileSystem  # the plain one: gcsfs's own default probes each bucket
from gcsfs.retry import HttpError, is_retriable
from google.auth.exceptions import (
    DefaultCredentialsError,
    GoogleAuthError,
    RefreshError,
    TransportError,
)
from requests.exceptions import ProxyError

from annolooop.storage.artifacts.store import Listed, Provider
from annolooop.storage.clouds.gcs.credentials import (
    NOT_FOUND,
    SECONDS,
    GCSAccess,
    Login,
    key_of_machine,
    read_service_account,
)

__all__ = ["GCSAccess", "key_of_machine", "open_gcs", "read_service_account"]

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between the tries of one request
TOLD = ("name", "size", "md5Hash", "generation")  # of an object that is listed
TRIES_WITHOUT_ANSWER = 2  # of them, where nobody answers
IDLE = 60.0  # seconds without a byte after which an answer is not awaited any more
LOGIN = (
    "Set gcs.credentials in the stack file to the key of a service account, or give this machine "
    "application default credentials: gcloud auth application-default login"
)

# Both log what they raise as well, which without a handler would end up on stderr.
for _name in ("gcsfs", "google"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


def open_gcs(access: GCSAccess) -> Provider:
    """A file system that caches no listings; it looks for credentials when first used."""
    file_system = _FileSystem(
        token="anon",
        endpoint_url=access.endpoint,
        requests_timeout=ClientTimeout(total=None, sock_connect=SECONDS, sock_read=IDLE),
        session_kwargs={"trust_env": True},  # a proxy, as all others here know it
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    file_system.credentials = Login(access)
    return Provider(
        file_system,
        (OSError, HttpError, GoogleAuthError, ClientError, asyncio.TimeoutError),
        explain=_explain,
        content_type=lambda kind: {"content_type": kind},
    )


class _FileSystem(GCSFileSystem):  # type: ignore[misc]
    """Asks once where the original asks twice, and gives up sooner."""

    async def _request(self, *args: Any, **kwargs: Any) -> Any:
        for number, pause in enumerate(PAUSES):
            try:
                return await self._once(*args, **kwargs)
            except Exception as error:
                if number >= _tries(error) - 1:
                    raise
            await asyncio.sleep(pause * (0.75 + random.random() / 2))
        return await self._once(*args, **kwargs)

    async def _once(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await GCSFileSystem._request.__wrapped__(self, *args, **kwargs)
        except ValueError as error:  # what the original makes of some answers
            text = str(error).rpartition("\n")[2]
            raise HttpError({"code": 400, "message": text}) from error

    async def _info(self, path: str, generation: str | None = None, **kwargs: Any) -> Any:
        """Of an object only; the original also asks whether there is anything below it."""
        path = self._strip_protocol(path).rstrip("/")
        if "/" not in path:
            return await super()._info(path, generation, **kwargs)
        return await self._get_object(path)

    async def pages(self, path: str, size: int) -> AsyncIterator[list[Listed]]:
        """What is below a path, at most a thousand at a time; see :class:`Provider`."""
        bucket, key, _ = self.split_path(path)
        token, empty = None, True
        while True:
            page = await self._call(
                "GET",
                "b/{}/o",
                bucket,
                json_out=True,
                prefix=f"{key}/" if key else None,
                fields=f"items({','.join(TOLD)}),nextPageToken",  # a tenth of what there is
                maxResults=min(size, 1000),
                pageToken=token,
            )
            made = [self._process_object(bucket, item) for item in page.get("items", [])]
            if made:
                empty = False
                yield [_listed(item) for item in made]
            token = page.get("nextPageToken")
            if token is None:
                break
        if empty and key:
            with suppress(FileNotFoundError):
                yield [_listed(await self._get_object(path))]

    async def _rm(self, path: str, recursive: bool = False, **kwargs: Any) -> None:
        """By name; the original takes some characters of a name for a pattern."""
        path = self._strip_protocol(path)
        if recursive:
            async for page in self.pages(path, 1000):
                await self._delete_all([name for name, *_ in page])
        else:
            await self._delete_all([path])

    async def _delete_all(self, names: list[str]) -> None:
        for failed in await self._delete_files(names, 100):
            gone = isinstance(failed, FileNotFoundError) or "No such object" in str(failed)
            if isinstance(failed, Exception) and not gone:
                raise failed

    rm = sync_wrapper(_rm)

    def _process_object(self, bucket: str, object_metadata: dict[str, Any]) -> dict[str, Any]:
        """With a tag of the content: Google's own also changes with who may read the object."""
        made: dict[str, Any] = super()._process_object(bucket, object_metadata)
        made["etag"] = made.get("md5Hash") or made.get("generation")
        made.pop("mtime", None)
        return made


def _listed(made: dict[str, Any]) -> Listed:
    return made["name"], made["size"], str(made["etag"])


def _tries(error: Exception) -> int:
    """How often a request that failed so is sent in all."""
    if isinstance(error, (ClientConnectorError, asyncio.TimeoutError, TransportError)):
        return TRIES_WITHOUT_ANSWER + 1
    refused = isinstance(error, HttpError) and error.code == 401
    if refused or isinstance(error, GoogleAuthError) or not is_retriable(error):
        return 1
    return len(PAUSES) + 1


def _explain(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, FileNotFoundError):
        return (
            "the bucket is not there",
            "Make it: annoloop storage setup; or set store.url to one that is there.",
        )
    if isinstance(error, GoogleAuthError):
        return _explain_login(error)
    if isinstance(error, HttpError) and error.code == 401:
        return f"the credentials are refused ({_first_line(error)})", LOGIN
    if isinstance(error, ProxyError) or (isinstance(error, HttpError) and is_retriable(error)):
        code = getattr(error, "code", 502)
        return (
            f"it is busy ({code}), and was so at each of {len(PAUSES) + 1} tries",
            "Wait a moment, then type the same command again.",
        )
    if isinstance(error, (ClientError, asyncio.TimeoutError)):
        return (
            "it does not answer",
            "Check gcs.endpoint and the network, then type the same command again.",
        )
    if isinstance(error, OSError) and str(error).startswith("Forbidden"):
        return _explain_forbidden(str(error))
    return None


def _explain_login(error: GoogleAuthError) -> tuple[str, str]:
    text = _first_line(error)
    if isinstance(error, TransportError) or error.retryable:
        return (
            "the server that the credentials are shown to does not answer",
            "Check the network, and the token_uri of the credentials; then type the same command "
            "again.",
        )
    if isinstance(error, DefaultCredentialsError):
        missing = text.startswith(NOT_FOUND)
        return "there are no credentials" if missing else text, LOGIN
    if isinstance(error, RefreshError):
        return f"the credentials are refused ({text})", LOGIN
    return text, LOGIN


def _explain_forbidden(text: str) -> tuple[str, str]:
    match = re.search(r"storage\.[a-zA-Z]+\.[a-zA-Z]+", text.partition("\n")[2])
    if not match:
        reason = text.partition("\n")[2].strip() or "no reason"
        return f"it is refused ({reason})", "Check what the credentials may do with the bucket."
    right = match[0]
    if right in ("storage.objects.create", "storage.objects.delete", "storage.objects.update"):
        return (
            f"the credentials may not write there: the right {right} is missing",
            "Give their account the role roles/storage.objectUser on the bucket.",
        )
    return (
        f"the credentials do not allow it: the right {right} is missing",
        "Give their account the role roles/storage.objectUser on the bucket.",
    )


def _first_line(error: Exception) -> str:
    """What it says, without the answer that some of google-auth's carry along."""
    return str(error.args[0] if error.args else error).partition("\n")[0]
