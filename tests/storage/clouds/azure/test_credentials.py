"""An account of Azure Storage in a stack file: complete, or what is missing is named."""

import pytest

from annolooop.errors import ConfigError
from annolooop.storage.clouds.azure.credentials import AzureAccess, resolve_access
from annolooop.storage.clouds.azure.files import open_azure

OTHER_KEY = "b3RoZXI="


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"connection_string": "gibberish"}, "not a connection string"),
        ({"connection_string": "AccountName=x;EndpointSuffix=y"}, "not a connection string"),
        ({"account": "x", "account_key": "not base64"}, "not base64"),
        ({"sas_token": "sv=1"}, "no storage account"),
        ({"account": "x", "sas_token": "sv=1"}, "not a shared access signature"),
        (
            {"account": "x", "sas_token": "https://x/lab?sv=1&sig=2"},
            "not a shared access signature",
        ),
        ({"account": "x", "endpoint": "http://x"}, "no credentials for http://x"),
    ],
)
def test_credentials_that_are_none_are_a_config_error(given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_azure(AzureAccess(**given))


def test_sovereign_cloud_is_in_the_connection_string() -> None:
    text = f"AccountName=x;AccountKey={OTHER_KEY};EndpointSuffix=core.chinacloudapi.cn"
    access = resolve_access(AzureAccess(connection_string=text))
    assert access.address == "https://x.blob.core.chinacloudapi.cn"


def test_connection_string_names_account_key_and_address() -> None:
    text = f"AccountName=x;AccountKey={OTHER_KEY};BlobEndpoint=https://blobs.example/"
    access = resolve_access(AzureAccess(connection_string=text))
    assert (access.account, access.account_key) == ("x", OTHER_KEY)
    assert (access.address, access.is_public) == ("https://blobs.example", False)


def test_account_is_read_from_the_address_where_a_signature_is_all_there_is() -> None:
    text = "BlobEndpoint=https://lab.blob.core.windows.net/;SharedAccessSignature=sv=1&sig=2"
    access = resolve_access(AzureAccess(connection_string=text))
    assert (access.account, access.sas_token) == ("lab", "sv=1&sig=2")


def test_account_alone_is_in_the_public_cloud() -> None:
    access = resolve_access(AzureAccess(account="lab"))
    assert (access.address, access.is_public) == ("https://lab.blob.core.windows.net", True)


def test_no_secret_is_shown() -> None:
    access = AzureAccess("lab", "the key", "the string", "the signature")
    assert "the" not in repr(access)
