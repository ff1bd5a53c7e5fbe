"""S3 and what speaks its language: a file system, and what its failures mean."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from shlex import quote
from typing import Any

import s3fs
from aiohttp import ClientPayloadError
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.session import Session
from s3fs.errors import translate_boto_error

from annolooop.errors import ConfigError
from annolooop.storage.artifacts.reading import READS_AT_ONCE
from annolooop.storage.artifacts.store import Listed, Provider

CONNECTIONS = READS_AT_ONCE + 8
BROKEN = (ClientPayloadError, IncompleteReadError, ResponseStreamingError)  # ended half-way
TRIES = 3  # of such a read
SILENT = (BotoConnectionError, HTTPClientError, *BROKEN)

# What S3 and its services say of a session that is over.
OVER = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")
REFUSED = ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch")


@dataclass(frozen=True)
class S3Access:
    """How to reach a bucket; what is ``None`` comes from the machine's own configuration.

    Attributes:
        endpoint: address of a server other than Amazon's.
        region: of the bucket.
        key, secret, token: an access key, its secret, and the token of a session.
        profile: a section of the machine's AWS configuration.
    """

    endpoint: str | None = None
    region: str | None = None
    key: str | None = None
    secret: str | None = None
    token: str | None = None
    profile: str | None = None


class _FileSystem(s3fs.S3FileSystem):  # type: ignore[misc]
    """Leaves it to botocore to try again: s3fs would do all of that five times, and reads 25 times.

    Botocore waits longer each time, but knows only of answers that do not begin.
    """

    retries = 1

    async def _cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **options: Any
    ) -> Any:
        if start is not None or end is not None:
            return await super()._cat_file(path, start=start, end=end, **options)
        # The original's way to a request costs as much as a fifth of the request.
        bucket, key, _ = self.split_path(path)
        await self.set_session()
        client = await self.get_s3(bucket)
        for _ in range(TRIES - 1):
            with suppress(*BROKEN):
                return await self._read(client, bucket, key)
        return await self._read(client, bucket, key)

    async def pages(self, path: str, size: int) -> AsyncIterator[list[Listed]]:
        """What is below a path, at most a thousand at a time; see :class:`Provider`."""
        bucket, key, _ = self.split_path(path)
        prefix = f"{key}/" if key else ""
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": min(size, 1000)}
        empty = True
        while True:
            page = await self._call_s3("list_objects_v2", **asked)
            objects = [
                (f"{bucket}/{o['Key']}", o["Size"], o["ETag"]) for o in page.get("Contents", [])
            ]
            if objects:
                empty = False
                yield objects
            if not page.get("IsTruncated"):
                break
            asked["ContinuationToken"] = page["NextContinuationToken"]
        if empty and key:
            with suppress(FileNotFoundError):
                at = await self._call_s3("head_object", Bucket=bucket, Key=key)
                yield [(f"{bucket}/{key}", at["ContentLength"], at["ETag"])]

    async def _read(self, client: Any, bucket: str, key: str) -> bytes:
        try:
            answer = await client.get_object(Bucket=bucket, Key=key)
            async with answer["Body"] as body:
                return bytes(await body.read())
        except ClientError as error:
            raise translate_boto_error(error) from error


def open_s3(access: S3Access) -> Provider:
    """A file system that caches no listings and asks nothing twice."""
    client: dict[str, Any] = {"region_name": access.region} if access.region else {}
    file_system = _FileSystem(
        key=access.key,
        secret=access.secret,
        token=access.token,
        profile=access.profile,
        endpoint_url=access.endpoint,
        client_kwargs=client,
        config_kwargs={"max_pool_connections": CONNECTIONS, "signature_version": "s3v4"},
        use_listings_cache=False,
        max_concurrency=1,  # else each read asks for the object's size first
        skip_instance_cache=True,
    )
    return Provider(
        file_system,
        # RuntimeError: botocore's word for credentials that have expired already.
        (OSError, BotoCoreError, ClientError, ClientPayloadError, RuntimeError),
        _is_taken,
        partial(explain_failure, access),
        lambda kind: {"ContentType": kind},
    )


def explain_failure(access: S3Access, error: Exception) -> tuple[str, str] | None:
    """Message and hint of an error of the client's, if there is more to say than its text."""
    ended = _ended(access, error)
    if ended:
        return ended, _renew(access)
    if isinstance(error, NoCredentialsError):
        return (
            "there are no credentials",
            "Set s3.access_key and s3.secret_key, or s3.profile, in the stack "
            "file; or give this machine an AWS configuration.",
        )
    if isinstance(error, ProfileNotFound):
        return str(error), "Set s3.profile to a profile of this machine's AWS configuration."
    if isinstance(error, PermissionError):
        return (
            f"it is refused ({error.strerror or error})",
            "Check the access key, its secret, and what the key may do with the bucket.",
        )
    if isinstance(error, FileNotFoundError):
        return (
            "the bucket is not there",
            ("Make it: annoloop storage setup; or set store.url to one that is there."),
        )
    if isinstance(error, SILENT):
        return (
            "it does not answer",
            "Check s3.endpoint, s3.region and the network, then type the same command again.",
        )
    return None


def _ended(access: S3Access, error: Exception) -> str | None:
    """What to say if an error comes from a session that is over."""
    response: Mapping[str, Any] = getattr(error.__cause__ or error, "response", None) or {}
    code = response.get("Error", {}).get("Code")
    # What the machine's own configuration holds cannot be renewed.
    lost = isinstance(error, (SSOError, TokenRetrievalError)) or (
        isinstance(error, RuntimeError) and "expired" in str(error)
    )
    # A server other than Amazon's may refuse the key of a session that is over as unknown; asked
    # for the size of an object, each answers without a reason: Amazon's with status 400.
    refused = code in ("400", *REFUSED) or isinstance(error, PermissionError)
    if not (lost or code in OVER or refused):
        return None
    token, moment = session_of(access)
    now = datetime.now(timezone.utc)
    if moment and moment <= now:
        local = moment.astimezone()
        today = local.date() == now.astimezone().date()
        return f"the session expired at {local:%H:%M}" + ("" if today else f" on {local:%Y-%m-%d}")
    if lost or code in OVER:
        return "the session has expired"
    return "the session is refused; it may have expired" if code == "400" and token else None


def _renew(access: S3Access) -> str:
    if access.key:
        new = (
            "aws sts assume-role, or get-session-token; set s3.access_key, s3.secret_key and "
            "s3.session_token to what it gives"
        )
    else:
        profile = f" --profile {quote(access.profile)}" if access.profile else ""
        new = f"aws sso login{profile}, or renew the keys of the AWS configuration or variables"
    return f"Get a new one: {new}; then: annoloop up --refresh-storage"


def session_of(access: S3Access) -> tuple[bool, datetime | None]:
    """Whether the credentials are those of a session, and when it ends, if that is known."""
    if access.key:
        return bool(access.token), _end_of(access.token)
    try:
        credentials = Session(profile=access.profile).get_credentials()
        if isinstance(credentials, RefreshableCredentials):
            return True, credentials._expiry_time  # it tells no other way
        return bool(credentials and credentials.token), _end_of(credentials and credentials.token)
    except (BotoCoreError, RuntimeError):
        return False, None


def _end_of(token: str | None) -> datetime | None:
    """When a session ends, where its token is a JSON Web Token: Amazon's tell nothing."""
    try:
        claims = (token or "").split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        return datetime.fromtimestamp(
            float(json.loads(base64.urlsafe_b64decode(padded))["exp"]), timezone.utc
        )
    except (ValueError, TypeError, LookupError, OverflowError, OSError, RecursionError):
        return None


def _is_taken(error: BaseException) -> bool:
    """Whether a conditional write failed because there is an object of this name."""
    if isinstance(error, FileExistsError):
        return True
    cause = error.__cause__ or error.__context__
    response: Mapping[str, Any] = getattr(cause, "response", None) or {}
    return bool(response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 412)


def read_credentials(access: S3Access) -> S3Access:
    """The same, with the key that the machine's own configuration holds at this moment.

    Raises:
        ConfigError: it holds none, or those of a session that is over.
    """
    if access.key:
        return access
    try:
        session = Session(profile=access.profile)
        credentials = session.get_credentials()
        if credentials is None:
            raise NoCredentialsError()
        frozen = credentials.get_frozen_credentials()
    except (BotoCoreError, RuntimeError) as error:
        message, hint = explain_failure(access, error) or (str(error), "")
        raise ConfigError(f"s3: {message}", hint) from error
    region = access.region or session.get_config_variable("region")
    return replace(
        access, key=frozen.access_key, secret=frozen.secret_key, token=frozen.token, region=region
    )
