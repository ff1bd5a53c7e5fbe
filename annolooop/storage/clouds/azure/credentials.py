"""What a stack file tells of an account of Azure Storage, and of the credentials for it."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from azure.core.utils import parse_connection_string

from annolooop.errors import ConfigError

CONNECT = 5  # seconds to reach the server, twice

# Of this machine's credentials. Left out: those that start slow programs, or that only an editor
# can have filled.
CHAIN: Mapping[str, Any] = {
    "exclude_powershell_credential": True,
    "exclude_visual_studio_code_credential": True,
    "exclude_shared_token_cache_credential": True,
    "connection_timeout": CONNECT,
    "read_timeout": 2 * CONNECT,
    "retry_total": 1,
}


@dataclass(frozen=True)
class AzureAccess:
    """How to reach a container.

    Attributes:
        account: name of the storage account.
        account_key: its key.
        connection_string: account, key or signature, and address in one.
        sas_token: a shared access signature; where there is a key too, the key is Label Studio's.
        endpoint: address of the Blob service, if it is not the account's in the public cloud.

    Without any credentials, the default credential chain of this machine is used.
    """

    account: str | None = None
    account_key: str | None = field(default=None, repr=False)
    connection_string: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)
    endpoint: str | None = None

    @property
    def address(self) -> str:
        """Of the Blob service."""
        return self.endpoint or self._public_address

    @property
    def is_public(self) -> bool:
        """It is in Azure's public cloud."""
        return self.address == self._public_address

    @property
    def _public_address(self) -> str:
        return f"https://{self.account}.blob.core.windows.net"


def resolve_access(access: AzureAccess) -> AzureAccess:
    """The same without a connection string: account, key, signature and address by themselves.

    Raises:
        ConfigError: something is missing, or no key.
    """
    if access.connection_string:
        access = _from_connection_string(access)
    if not access.account:
        raise ConfigError("azure: no storage account is named", "Set azure.account.")
    signature = access.sas_token
    if signature and ("://" in signature or "sig" not in parse_qs(signature.lstrip("?"))):
        raise ConfigError(
            "azure: this is not a shared access signature",
            "Copy it whole. Of an address, it is what follows the question mark.",
        )
    if not (access.account_key or access.sas_token or access.address.startswith("https://")):
        raise ConfigError(
            f"azure: there are no credentials for {access.address}; those of this machine are "
            "sent to https addresses only",
            "Set azure.account_key, azure.connection_string or azure.sas_token.",
        )
    try:
        base64.b64decode(access.account_key or "", validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(
            "azure: the account key is not valid: it is not base64",
            "Copy it whole: az storage account keys list --account-name " + access.account,
        ) from None
    return access


def _from_connection_string(access: AzureAccess) -> AzureAccess:
    try:
        parts = parse_connection_string(access.connection_string or "")
    except ValueError:
        raise _no_connection_string() from None
    account, endpoint = parts.get("accountname"), parts.get("blobendpoint")
    if account and not endpoint and "endpointsuffix" in parts:
        scheme = parts.get("defaultendpointsprotocol", "https")
        endpoint = f"{scheme}://{account}.blob.{parts['endpointsuffix']}"
    if not account and endpoint:
        url = urlsplit(endpoint)
        account = url.path.strip("/") or (url.hostname or "").partition(".")[0]
    key, signature = parts.get("accountkey"), parts.get("sharedaccesssignature")
    if not account or not (key or signature):
        raise _no_connection_string()
    return replace(
        access,
        account=account,
        account_key=key or access.account_key,
        connection_string=None,
        sas_token=signature,
        endpoint=endpoint and endpoint.rstrip("/"),
    )


def _no_connection_string() -> ConfigError:
    return ConfigError(
        "azure.connection_string: this is not a connection string of a storage account",
        "Copy it whole: az storage account show-connection-string --name ACCOUNT",
    )
