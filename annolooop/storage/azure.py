"""Azure Blob Storage: a file system, and what its failures mean."""

from dataclasses import dataclass, field

from adlfs import AzureBlobFileSystem
from azure.core.exceptions import AzureError
from azure.storage.blob import ContentSettings

from annolooop.storage.store import Provider


@dataclass(frozen=True)
class AzureAccess:
    """How to reach a container; one of the four kinds of credentials.

    Attributes:
        account: name of the storage account.
        account_key: its key.
        connection_string: account, key or SAS, and address in one.
        sas_token: a shared access signature.

    Without any of them, the default credential chain of this machine is used.
    """

    account: str | None = None
    account_key: str | None = field(default=None, repr=False)
    connection_string: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)


def open_azure(access: AzureAccess) -> Provider:
    """A file system that caches no listings."""
    chain = not (access.account_key or access.connection_string or access.sas_token)
    file_system = AzureBlobFileSystem(
        account_name=access.account,
        account_key=access.account_key,
        connection_string=access.connection_string,
        sas_token=access.sas_token,
        anon=False if chain else None,
        use_listings_cache=False,
        skip_instance_cache=True,
    )
    return Provider(
        file_system,
        (OSError, AzureError),
        explain=_explain,
        content_type=lambda kind: {"content_settings": ContentSettings(content_type=kind)},
    )


def _explain(error: Exception) -> tuple[str, str] | None:
    return None
