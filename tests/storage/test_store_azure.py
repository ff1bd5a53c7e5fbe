"""The artifact store in a container of Azure Blob Storage, served by Azurite."""

import secrets
from collections.abc import Iterator

import pytest
from buckets import AzureServer, azurite
from storage.contract import StoreContract

from annolooop.storage.azure import AzureAccess, open_azure
from annolooop.storage.store import ArtifactStore


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


def opened(azure: AzureServer, url: str) -> ArtifactStore:
    access = AzureAccess(connection_string=azure.connection_string)
    return ArtifactStore(url, open_azure(access))


class TestAzureStore(StoreContract):
    @pytest.fixture
    def store(self, azure: AzureServer) -> ArtifactStore:
        return opened(azure, f"az://{azure.container}/{secrets.token_hex(4)}/a store")
