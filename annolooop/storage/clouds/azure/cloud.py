"""Azure Blob Storage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from annolooop.errors import ConfigError
from annolooop.storage.clouds.cloud import Cloud, plain

if TYPE_CHECKING:
    from annolooop.storage.artifacts.store import Provider
    from annolooop.storage.clouds.azure.credentials import AzureAccess
    from annolooop.storage.clouds.provisioning import Administration


class Azure(Cloud):
    """Azure Blob Storage; a bucket is called a container there."""

    name = "azure"
    cli = "azure"
    kind = "azure"
    address = "azure-blob"
    bucket_field = "container"

    def access(self) -> AzureAccess:
        """How to reach it."""
        azure = self._config.azure
        access: AzureAccess = self._module.AzureAccess(
            account=azure.account,
            account_key=plain(azure.account_key),
            connection_string=plain(azure.connection_string),
            sas_token=plain(azure.sas_token),
            endpoint=azure.endpoint,
        )
        return access

    def provider(self) -> Provider:
        opened: Provider = self._module.open_azure(self.access())
        return opened

    @property
    def unshown(self) -> Mapping[str, str]:
        if self._config.store.images == "proxy":
            return super().unshown
        # A signed address holds the name as it is, where these begin something else.
        why = "by signed addresses, Label Studio shows nothing with a {} in its name: set "
        why += "store.images: proxy"
        return {**super().unshown, **{odd: why.format(odd) for odd in "#%"}}

    def administration(self) -> Administration:
        made: Administration = self._setup.AzureAdministration(self.access(), self.required)
        return made

    def setup_commands(self) -> str:
        from annolooop.storage.clouds.azure.by_hand import commands

        azure = self._config.azure
        named = re.search(r"AccountName=([^;]+)", plain(azure.connection_string) or "")
        return commands(self.required, azure.account or (named and named[1]))

    def _settings(self) -> Mapping[str, str | None]:
        access: AzureAccess = self._module.resolve_access(self.access())
        key = access.account_key
        if not key:
            raise ConfigError(
                "Label Studio can read a container only with an account key, and the stack file "
                "has none",
                "Set azure.account_key too"
                + ("; annoloop itself goes on using the signature." if access.sas_token else "."),
            )
        if not access.is_public:
            if self._config.store.images == "presign":
                raise ConfigError(
                    "Label Studio signs addresses of Azure's public cloud only, and the Blob "
                    f"service is at {access.address}",
                    "Set store.images: proxy",
                )
            # It has no setting for an address. But it puts the key into a connection string as
            # it is, and there the address is what may follow.
            key = f"{key};BlobEndpoint={access.address}"
        return {"account_name": access.account, "account_key": key}
