"""Credentials for Google Cloud Storage, with a server of tokens on this machine."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.oauth2.credentials
import pytest
from support.bucket_servers import fake_gcs
from support.google_server import TOKEN, Answer, answering, refusal, service_account_key

from annolooop.errors import ConfigError, UnreachableError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.clouds.gcs.files import GCSAccess, open_gcs, read_service_account

USER = {"type": "authorized_user", "client_id": "1", "client_secret": "s", "refresh_token": "r"}


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "NO_GCE_CHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


@pytest.fixture
def tokens() -> Iterator[str]:
    with answering(lambda method, path: (200, TOKEN)) as server:
        yield server


@pytest.fixture
def google_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """fake-gcs-server in the place of Google's."""
    with fake_gcs(tmp_path / "server") as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.endpoint)
        yield


def write(file: Path, content: Any) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


@pytest.mark.usefixtures("google_itself")
@pytest.mark.parametrize("kind", ["service_account", "authorized_user", "gcloud", "federation"])
def test_default_credentials_of_the_machine_are_used(
    tokens: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(google.oauth2.credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", tokens)
    subject = write(tmp_path / "subject", "a token of elsewhere")
    federation = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": tokens,
        "credential_source": {"file": str(subject)},
    }
    given = {"service_account": service_account_key(tokens), "federation": federation}
    name = "gcloud/application_default_credentials.json" if kind == "gcloud" else "adc.json"
    file = write(tmp_path / name, given.get(kind, USER))
    if kind != "gcloud":
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    provider = open_gcs(GCSAccess())
    store = ArtifactStore("gs://lab/x", provider)
    store.put("a", b"1")
    assert store.get("a") == b"1"
    assert provider.file_system.credentials.credentials.token == TOKEN["access_token"]
    assert provider.file_system.project == ("lab-project" if kind == "service_account" else "")


def test_no_credentials_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("GCE_METADATA_IP", f"127.0.0.1:{silent.getsockname()[1]}")
        store = ArtifactStore("gs://lab/x", open_gcs(GCSAccess()))
        begun = time.monotonic()
        with pytest.raises(UnreachableError, match="there are no credentials") as caught:
            store.put("a", b"1")
        assert time.monotonic() - begun < 5
    assert "gcloud auth application-default login" in caught.value.hint
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(UnreachableError, match=r"/nowhere\.json was not found"):
        store.put("a", b"1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "reason", "hint"),
    [
        (
            (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
            "credentials are refused .invalid_grant: Invalid JWT Signature",
            "gcs.credentials",
        ),
        (
            (503, {"error": "internal_failure"}),
            "the credentials are shown to does not answer",
            "token_uri",
        ),
        (None, "the credentials are shown to does not answer", "token_uri"),
    ],
)
def test_refused_key_fails_soon(answer: Answer | None, reason: str, hint: str) -> None:
    begun = time.monotonic()
    with answering(lambda method, path: answer or refusal(500, "")) as tokens:
        key = service_account_key(tokens if answer else "http://127.0.0.1:9")
        store = ArtifactStore("gs://lab/x", open_gcs(GCSAccess(service_account=key)))
        with pytest.raises(UnreachableError, match=reason) as caught:
            store.exists("a")
    assert hint in caught.value.hint
    assert "PRIVATE" not in str(caught.value)
    assert time.monotonic() - begun < 8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not JSON", "key.json: this is not JSON"),
        (USER, "not the key of a service account, its type is authorized_user"),
        ({"installed": {}}, "its type is missing"),
        ({"type": "service_account", "private_key": "x"}, "is not whole"),
        (None, "key.json: cannot be read: No such file or directory"),
    ],
)
def test_wrong_key_is_named(tmp_path: Path, content: Any, reason: str) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        write(file, content)
    with pytest.raises(ConfigError, match=reason) as caught:
        read_service_account("key.json", file)
    assert caught.value.hint
    if content and content != "not JSON":
        with pytest.raises(ConfigError, match=r"gcs\.credentials: this"):
            read_service_account(json.dumps(content), file)


def test_key_that_is_taken_for_a_path_is_not_shown(tmp_path: Path) -> None:
    given = "c2VjcmV0" * 300
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        read_service_account(given, tmp_path / given)
    assert "c2VjcmV0" not in f"{caught.value.message} {caught.value.hint}"
