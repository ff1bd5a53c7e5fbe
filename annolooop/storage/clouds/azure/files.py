"""Azure Blob Storage: a file system, and what its failures mean."""

import asyncio
import errno
import logging
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from adlfs import AzureBlobFileSystem
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import BlobServiceClient, ExponentialRetry
from fsspec.asyn import sync_wrapper

from annolooop.storage.artifacts.store import Listed, Provider
from annolooop.storage.clouds.azure.credentials import CHAIN, CONNECT, AzureAccess, resolve_access

DELETED_AT_ONCE = 32  # objects
RIGHTS = {"r": "read", "a": "add", "c": "create", "w": "write", "d": "delete", "l": "list"}
AGAIN = "then type the same command again."

_log = logging.getLogger(__name__)


def open_azure(access: AzureAccess) -> Provider:
    """A file system that caches no listings and asks nothing twice.

    Raises:
        ConfigError: something is missing in the credentials, or the key is not valid.
    """
    access = resolve_access(access)
    # At INFO it tells each request in ten lines; an answer of no credentials in twenty, unasked.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    return Provider(
        _FileSystem(access.address, _credential(access)),
        (OSError, AzureError),
        explain=partial(_explain, access),
        content_type=lambda kind: {"content_settings": ContentSettings(content_type=kind)},
    )


def _credential(access: AzureAccess) -> Any:
    if access.sas_token:
        return AzureSasCredential(access.sas_token)
    if access.account_key:
        return AzureNamedKeyCredential(access.account or "", access.account_key)
    return DefaultAzureCredential(**CHAIN)


class _BusyError(AzureError):
    """Too many requests; raised where the client looks for what is worth another try."""


def _look(response: Any) -> None:
    """Tell of a request without its query, which may hold a signature."""
    request, answer = response.http_request, response.http_response
    _log.info("%s %s %s", request.method, request.url.partition("?")[0], answer.status_code)
    if answer.status_code == 429:
        raise _BusyError("it is busy (429)")


class _Retry(ExponentialRetry):
    """Missing credentials do not come by waiting."""

    def increment(
        self, settings: Any, request: Any, response: Any = None, error: Any = None
    ) -> bool:
        if isinstance(error, ClientAuthenticationError):
            return False
        return super().increment(settings, request, response, error)


class _FileSystem(AzureBlobFileSystem):  # type: ignore[misc]
    """Hides no failure, and takes no missing container for an empty one.

    It has the credentials of its caller only; the original also looks into the environment.
    """

    cachable = False

    def __init__(self, address: str, credential: Any) -> None:
        self._address = address
        super().__init__(credential=credential, use_listings_cache=False, max_concurrency=4)

    def do_connect(self) -> None:
        # About 20 seconds for a busy server, two tries for one that cannot be reached.
        retry = _Retry(0, 1.5, 5, random_jitter_range=1, retry_connect=1)  # type: ignore[arg-type]
        self.service_client = BlobServiceClient(
            self._address,
            credential=self.credential,
            retry_policy=retry,
            connection_timeout=CONNECT,
            raw_response_hook=_look,
        )

    async def _info(self, path: str, **options: Any) -> Any:
        container, key, _ = self.split_path(path)
        try:
            properties = await self.service_client.get_blob_client(
                container, key
            ).get_blob_properties()
        except ResourceNotFoundError as error:
            if _code(error) != "BlobNotFound":
                raise
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
        return (await self._details([properties]))[0]

    async def _isfile(self, path: str) -> bool:
        try:
            return bool((await self._info(path))["type"] == "file")
        except FileNotFoundError:
            return False

    async def pages(self, path: str, size: int) -> AsyncIterator[list[Listed]]:
        """What is below a path; see :class:`Provider`."""
        whole = self._strip_protocol(path).strip("/")
        container, key, _ = self.split_path(f"{whole}/")
        listed = self.service_client.get_container_client(container).list_blobs(
            name_starts_with=key, include=["metadata"], results_per_page=size
        )
        empty = True
        async for page in listed.by_page():
            # A name that ends in a slash is a mark that some tools leave for a folder.
            blobs = [blob async for blob in page if not blob.name.endswith("/")]
            infos = await self._details(blobs)
            files = [(i["name"], i["size"], i["etag"]) for i in infos if i["type"] == "file"]
            if files:
                empty = False
                yield files
        if empty and key:
            with suppress(FileNotFoundError):
                at = await self._info(whole)
                yield [(at["name"], at["size"], at["etag"])]

    async def _cat_file(self, path: str, *options: Any, **more: Any) -> Any:
        with _telling_apart():
            return await super()._cat_file(path, *options, **more)

    async def _rm_file(self, path: str, **options: Any) -> None:
        with _telling_apart():
            await super()._rm_file(path, **options)

    async def _rm(self, path: str, recursive: bool = False, **options: Any) -> None:
        async for page in self.pages(path, 5000):
            for start in range(0, len(page), DELETED_AT_ONCE):
                some = (self._rm_file(name) for name, *_ in page[start : start + DELETED_AT_ONCE])
                for failure in await asyncio.gather(*some, return_exceptions=True):
                    if failure and not isinstance(failure, FileNotFoundError):
                        raise failure

    rm = sync_wrapper(_rm)


@contextmanager
def _telling_apart() -> Iterator[None]:
    """What is not there: an object, or more than that."""
    try:
        yield
    except FileNotFoundError as error:
        if isinstance(error.__cause__, AzureError) and _code(error.__cause__) != "BlobNotFound":
            raise error.__cause__ from None
        raise


def _code(error: BaseException) -> str:
    """What the service calls an error."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _explain(access: AzureAccess, error: Exception) -> tuple[str, str] | None:
    code, status = _code(error), getattr(error, "status_code", None)
    if code == "ContainerNotFound":
        return (
            "the container is not there",
            "Make it: annoloop storage setup; or set store.url to one that is there.",
        )
    if isinstance(error, ClientAuthenticationError) and not code:
        # Of the chain. What it tried, it tells in words only; a code comes from the login service.
        refused = re.search(r"AADSTS\d+", str(error))
        return (
            f"the credentials of this machine are wrong or have expired ({refused[0]})"
            if refused
            else "this machine has no credentials for Azure",
            "Set azure.account_key, azure.connection_string or azure.sas_token; or type: az login",
        )
    if status in (401, 403):
        return _refused(access, code)
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return (
            f"{access.address} does not answer",
            f"Check azure.account, azure.endpoint and the network, {AGAIN}",
        )
    if isinstance(error, _BusyError) or status == 503:
        return f"it is busy ({status or 429})", "Wait a little, then type the same command again."
    if isinstance(error, ResourceNotFoundError):
        return (
            f"there is no storage account {access.account}",
            f"Check azure.account and azure.endpoint, {AGAIN}",
        )
    if isinstance(error, HttpResponseError):
        # The whole message goes on over many lines.
        return str(error).partition("\n")[0], f"See what it says, {AGAIN}"
    return None


def _refused(access: AzureAccess, code: str) -> tuple[str, str]:
    name = f" ({code})" if code else ""
    if access.sas_token:
        return _refused_signature(access.sas_token, name)
    if access.account_key:
        return (
            f"the account key is refused{name}",
            f"Check the key (az storage account keys list --account-name {access.account}), and "
            f"that the account allows keys and this network, {AGAIN}",
        )
    return (
        f"the credentials of this machine are refused{name}",
        "Give them the role 'Storage Blob Data Contributor' on the container, and let the account "
        f"allow this network, {AGAIN}",
    )


def _refused_signature(signature: str, name: str) -> tuple[str, str]:
    """What a shared access signature says of itself."""
    fields = {key: values[0] for key, values in parse_qs(signature.lstrip("?")).items()}
    new = f"Make a new one (az storage container generate-sas --permissions racwdl), {AGAIN}"
    with suppress(ValueError):
        # Python before 3.11 reads no Z.
        ends = datetime.fromisoformat(fields.get("se", "").replace("Z", "+00:00"))
        ends = ends if ends.tzinfo else ends.replace(tzinfo=timezone.utc)
        if ends < datetime.now(timezone.utc):
            utc = ends.astimezone(timezone.utc)
            return f"the shared access signature expired at {utc:%H:%M on %Y-%m-%d} UTC", new
    allowed = fields.get("sp", "")
    missing = [word for letter, word in RIGHTS.items() if letter not in allowed]
    if allowed and missing:
        having = [word for letter, word in RIGHTS.items() if letter in allowed] or ["none of it"]
        return (
            f"the shared access signature allows to {', '.join(having)} (sp={allowed}), and not "
            f"to {', '.join(missing)}{name}",
            new,
        )
    return f"the shared access signature is refused{name}", new
