"""S3 and what speaks its language: a file system, and what its failures mean."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import s3fs
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.session import Session

from annolooop.errors import ConfigError
from annolooop.storage.store import Provider

CONNECTIONS = 50


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


def open_s3(access: S3Access) -> Provider:
    """A file system that caches no listings and asks nothing twice."""
    client: dict[str, Any] = {"region_name": access.region} if access.region else {}
    file_system = s3fs.S3FileSystem(
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
        (OSError, BotoCoreError, ClientError),
        _is_taken,
        _explain,
        lambda kind: {"ContentType": kind},
    )


def _explain(error: Exception) -> tuple[str, str] | None:
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
    if isinstance(error, BotoConnectionError):
        return (
            "it does not answer",
            "Check s3.endpoint, s3.region and the network, then type the same command again.",
        )
    return None


def _is_taken(error: BaseException) -> bool:
    """Whether a conditional write failed because the name is given already."""
    if isinstance(error, FileExistsError):
        return True
    cause = error.__cause__ or error.__context__
    response: Mapping[str, Any] = getattr(cause, "response", None) or {}
    return bool(response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 412)


def read_credentials(access: S3Access) -> S3Access:
    """The same, with the key that the machine's own configuration holds at this moment.

    Raises:
        ConfigError: it holds none.
    """
    if access.key:
        return access
    try:
        session = Session(profile=access.profile)
        found = session.get_credentials()
        if found is None:
            raise NoCredentialsError()
        frozen = found.get_frozen_credentials()
    except BotoCoreError as error:
        message, hint = _explain(error) or (str(error), "")
        raise ConfigError(f"s3: {message}", hint) from error
    region = access.region or session.get_config_variable("region")
    return replace(
        access, key=frozen.access_key, secret=frozen.secret_key, token=frozen.token, region=region
    )
