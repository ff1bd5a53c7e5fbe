"""The artifact store in a container of Azure Blob Storage, served by Azurite."""

import os
import secrets
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from support.bucket_servers import AzureServer
from support.secret_managers import fake_clouds
from support.store_contract import StoreContract

from annolooop.errors import UnreachableError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.clouds.azure.credentials import AzureAccess, resolve_access
from annolooop.storage.clouds.azure.files import open_azure

OTHER_KEY = "b3RoZXI="


def opened(azure: AzureServer, url: str, **changed: str | None) -> ArtifactStore:
    given: dict[str, str | None] = {
        "account": azure.account,
        "account_key": azure.key,
        "endpoint": azure.endpoint,
    }
    return ArtifactStore(url, open_azure(AzureAccess(**(given | changed))))


def signature(azure: AzureServer, rights: str = "racwdl", minutes: int = 60) -> str:
    """A shared access signature of the container."""
    return generate_container_sas(
        azure.account,
        azure.container,
        account_key=azure.key,
        permission=ContainerSasPermissions.from_string(rights),
        expiry=datetime.now(timezone.utc) + timedelta(minutes=minutes),
    )


class TestAzureStore(StoreContract):
    @pytest.fixture
    def store(self, azure: AzureServer) -> ArtifactStore:
        return opened(azure, f"az://{azure.container}/{secrets.token_hex(4)}/a store")


def test_object_knows_what_kind_of_file_it_is(azure: AzureServer) -> None:
    opened(azure, "az://lab/kinds").put("images/a.jpg", b"x")
    found = azure.client().get_blob_client("lab", "kinds/images/a.jpg").get_blob_properties()
    assert found.content_settings.content_type == "image/jpeg"


@pytest.mark.parametrize("kind", ["key", "signature", "?signature", "string", "signed string"])
def test_each_kind_of_credentials_opens_the_container(azure: AzureServer, kind: str) -> None:
    signed = signature(azure)
    access = {
        "key": AzureAccess(azure.account, azure.key, endpoint=azure.endpoint),
        "signature": AzureAccess(azure.account, sas_token=signed, endpoint=azure.endpoint),
        # The key is Label Studio's then.
        "?signature": AzureAccess(
            azure.account, OTHER_KEY, sas_token=f"?{signed}", endpoint=azure.endpoint
        ),
        "string": AzureAccess(connection_string=azure.connection_string),
        "signed string": AzureAccess(
            connection_string=f"BlobEndpoint={azure.endpoint};SharedAccessSignature={signed}"
        ),
    }[kind]
    store = ArtifactStore("az://lab/kinds of credentials", open_azure(access))
    store.put("a/b", kind.encode())
    assert [found.key for found in store.walk("a")] == ["a/b"]
    assert store.get("a/b") == kind.encode()
    assert resolve_access(access).account == azure.account
    assert signed[-20:] not in repr(access)
    assert azure.key not in repr(access)


@pytest.mark.parametrize(
    ("url", "changed", "reason", "hint"),
    [
        ("az://lab/x", {"account_key": OTHER_KEY}, "the account key is refused", "Check the key"),
        ("az://none/x", {}, "the container is not there", "annoloop storage setup"),
        ("az://lab/x", {"account": "nobody", "endpoint": "HOST/nobody"}, "nobody", "azure.account"),
        ("az://lab/x", {"endpoint": "http://127.0.0.1:9/x"}, "does not answer", "endpoint"),
        ("az://lab/x", {"sas_token": "sp=rl&sig=SECRET"}, "signature", "Make a new one"),
    ],
)
def test_what_is_wrong_is_told_with_the_fix(
    azure: AzureServer, url: str, changed: dict[str, str | None], reason: str, hint: str
) -> None:
    host = azure.endpoint.rpartition("/")[0]
    given = {key: value and value.replace("HOST", host) for key, value in changed.items()}
    store = opened(azure, url, **given)
    began = time.monotonic()
    # None of them looks like a store with nothing in it.
    for step in (
        lambda: store.put("a", b"1"),
        lambda: store.get("a"),
        lambda: store.exists("a"),
        lambda: store.info("a"),
        lambda: list(store.walk("a")),
        lambda: store.delete_below("a"),
    ):
        with pytest.raises(UnreachableError, match=reason) as caught:
            step()
        assert hint in caught.value.hint
        assert azure.key not in str(caught.value)
        assert "SECRET" not in str(caught.value)
        if "does not answer" in reason:
            break  # one of them is enough, at two tries each
    assert time.monotonic() - began < 15


def test_signature_tells_what_it_allows_and_when_it_expired(azure: AzureServer) -> None:
    reader = opened(azure, "az://lab/x", sas_token=signature(azure, "rl"))
    assert list(reader.walk("nothing")) == []
    with pytest.raises(UnreachableError, match=r"to read, list \(sp=rl\).* not to .*write"):
        reader.put("a", b"1")
    past = opened(azure, "az://lab/x", sas_token=signature(azure, minutes=-1))
    with pytest.raises(UnreachableError, match=r"expired at \d\d:\d\d on .* UTC"):
        past.get("a")


def test_machine_without_credentials_is_told_so_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    # The original looks here; a key of something else must not be used for this account.
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", OTHER_KEY)
    store = ArtifactStore("az://lab/x", open_azure(AzureAccess("nobody")))
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="no credentials") as caught:
        store.get("a")
    assert "az login" in caught.value.hint
    assert time.monotonic() - began < 10


ASK = """
from annolooop.errors import UnreachableError
from annolooop.storage.clouds.azure.files import open_azure
from annolooop.storage.clouds.azure.credentials import AzureAccess
from annolooop.storage.artifacts.store import ArtifactStore
import sys
try:
    ArtifactStore("az://lab/x", open_azure(AzureAccess("acct", endpoint=sys.argv[1]))).get("a")
except UnreachableError as error:
    print(error)
"""


def test_credentials_of_the_machine_are_used_or_told_to_be_wrong(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with fake_clouds(ca) as clouds:
        clouds.reset()
        machine = {
            "AZURE_AUTHORITY_HOST": f"https://{clouds.vault}",
            "AZURE_TENANT_ID": "adfs",
            "AZURE_CLIENT_ID": "x",
            "AZURE_CLIENT_SECRET": "x",
            "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
        }
        command = [sys.executable, "-c", ASK, f"https://{clouds.vault}/acct"]

        def ask() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                command, env={**os.environ, **machine}, capture_output=True, text=True, check=True
            )

        assert "there is no storage account acct" in ask().stdout  # it has nothing but logins
        assert clouds.asked == ["/acct/lab/x/a"]
        clouds.tokens = (401, {"error": "invalid_client", "error_description": "AADSTS7000215: x"})
        told = ask()
    assert "this machine are wrong or have expired (AADSTS7000215)" in told.stdout
    assert told.stderr == ""


@pytest.mark.slow
def test_busy_server_is_asked_again() -> None:
    asked: list[str] = []

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response([429, 503, 206][len(asked) - 1])
            self.send_header("Content-Length", "2")
            self.send_header("Content-Range", "bytes 0-1/2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        access = AzureAccess("x", OTHER_KEY, endpoint=f"http://127.0.0.1:{server.server_port}/x")
        assert ArtifactStore("az://lab/x", open_azure(access)).get("a") == b"ok"
        server.shutdown()
    assert len(asked) == 3  # nothing is asked before a read
