"""The artifact store in a bucket of Google Cloud Storage.

fake-gcs-server stands in for Google's: it checks neither credentials nor rights.
"""

import secrets
from collections.abc import Iterator

import pytest
from buckets import GCSServer, fake_gcs
from storage.contract import StoreContract

from annolooop.storage.gcs import GCSAccess, open_gcs
from annolooop.storage.store import ArtifactStore


@pytest.fixture(scope="module")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GCSServer]:
    with fake_gcs(tmp_path_factory.mktemp("gcs")) as server:
        yield server


def opened(gcs: GCSServer, url: str) -> ArtifactStore:
    return ArtifactStore(url, open_gcs(GCSAccess(endpoint=gcs.endpoint)))


class TestGCSStore(StoreContract):
    @pytest.fixture
    def store(self, gcs: GCSServer) -> ArtifactStore:
        return opened(gcs, f"gs://{gcs.bucket}/{secrets.token_hex(4)}/a store")
