"""A server that someone else runs: https, a prefix, a company's certificate, both tokens."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from support.project import LABELS, Project, free_port, write_photos
from support.tls_proxy import proxy

from annolooop.errors import ConfigError, UnreachableError
from annolooop.labelstudio.api.address import open_client
from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.studio import Studio
from annolooop.labelstudio.server.daemon import Daemon

LIFETIME = 2  # seconds of an access token, 300 elsewhere
SETTINGS = f"""
from datetime import timedelta
from core.settings.base import *
SENTRY_DSN = ""  # Label Studio's settings look at themselves while they are read
from core.settings.label_studio import *
SIMPLE_JWT = {{"ACCESS_TOKEN_LIFETIME": timedelta(seconds={LIFETIME})}}
"""


@dataclass(frozen=True)
class Theirs:
    """Their Label Studio, as it is seen from outside."""

    url: str
    authority: str
    legacy: str
    personal: str
    document_root: Path


@pytest.fixture(scope="module")
def theirs(
    make_daemon: Callable[..., Daemon], migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Theirs]:
    root = tmp_path_factory.mktemp("theirs")
    (root / "short_tokens.py").write_text(SETTINGS, encoding="utf-8")
    url = f"https://localhost:{free_port()}/ls"

    class Behind(Daemon):
        def _environment(self, *given: Any) -> dict[str, str]:
            return {
                **super()._environment(*given),
                "LABEL_STUDIO_HOST": url,
                "CSRF_TRUSTED_ORIGINS": url.removesuffix("/ls"),
                "DJANGO_SETTINGS_MODULE": "short_tokens",
                "PYTHONPATH": str(root),
            }

    shutil.copytree(migrated, root / "label-studio")
    made = make_daemon(root / "label-studio", root / "stores")
    # Python itself is started without the folders of others; a server of someone else is not.
    script = root / "label-studio.sh"
    script.write_text(f'#!/bin/sh\nexec "{made.command}" "$@"\n', encoding="utf-8")
    script.chmod(0o700)
    daemon = Behind(**{**vars(made), "command": str(script)})
    daemon.start(print)
    credentials = daemon.credentials()
    assert credentials
    headers = {"Authorization": f"Token {credentials.token}"}
    personal = httpx.post(f"{daemon.url}/api/token/", headers=headers).json()["token"]
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(root / "authority.pem"))
    port = httpx.URL(url).port
    assert port
    with proxy(port, authority.issue_cert("localhost"), daemon.url, "/ls"):
        yield Theirs(
            url,
            str(root / "authority.pem"),
            credentials.token,
            personal,
            daemon.document_root,
        )


@pytest.fixture
def trusted(theirs: Theirs, monkeypatch: pytest.MonkeyPatch) -> Theirs:
    """Their server, and its authority where programs look for it."""
    monkeypatch.setenv("SSL_CERT_FILE", theirs.authority)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    return theirs


@pytest.fixture
def https_project(trusted: Theirs, tmp_path: Path) -> Project:
    return Project(
        tmp_path,
        {
            "store": {"url": str(trusted.document_root / "store")},
            "label_studio": {
                "url": f"{trusted.url}/",
                "api_key": trusted.personal,
                "document_root": str(trusted.document_root),
            },
            "dataset": {"name": "over https", "labels": LABELS},
            "model": {"backbone": "mobilenet_v3_small", "weights": "none"},
            "train": {"holdout": 0},
            "cache_dir": str(tmp_path / "cache"),
        },
    )


def test_whole_loop_over_https_with_a_prefix(https_project: Project, trusted: Theirs) -> None:
    project = https_project
    assert project.json("up")["url"] == trusted.url
    project.json("train")
    write_photos(project.folder / "batch", [f"aria_{n}.jpg" for n in range(4)])
    assert project.json("infer", "--batch", "batch")["tasks_created"] == 4
    studio = project.stack().studio
    found = studio.projects.find("over https")
    assert found
    for task in studio.tasks.list(found.id):
        studio.annotations.create(found.id, task.id, [LABELS[task.id % 2]], 1.0)
    assert project.json("sync")["labeled"] == 4
    assert project.json("train", "--rerun")["trained"]
    assert project.json("stats")["labeled"] == 4
    # A browser resolves what a task says against the host alone.
    headers = {"Authorization": f"Token {trusted.legacy}"}
    raw = httpx.get(f"{trusted.url}/api/tasks?project={found.id}", headers=headers).json()
    image = httpx.get(
        httpx.URL(trusted.url).join(raw["tasks"][0]["data"]["image"]), headers=headers
    )
    assert (image.status_code, image.headers["content-type"]) == (200, "image/jpeg")
    launched = project.json("dataset", "launch", "over https", "--no-browser")
    assert launched["url"] == f"{trusted.url}/projects/{found.id}/data?labeling=1"
    checks = {c["name"]: c for c in project.json("doctor")["checks"]}
    assert "is shown, with the token: image/jpeg" in checks["image"]["detail"]
    assert checks["token"]["detail"].startswith("personal access token of ")


def test_legacy_token_works_there_too(trusted: Theirs) -> None:
    assert Studio(Connection(trusted.url, trusted.legacy, 60, False)).people.whoami()


def test_access_token_that_expires_is_refreshed(trusted: Theirs) -> None:
    studio = Studio(Connection(trusted.url, trusted.personal, 60, False))
    first = studio.projects.create("refreshed", ["a", "b"], "single")
    time.sleep(LIFETIME + 1)
    assert studio.projects.find("refreshed") == first


def test_access_token_that_only_the_server_calls_expired_is_refreshed(
    trusted: Theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection(trusted.url, trusted.personal, 60, False)
    studio = Studio(connection)
    studio.people.whoami()
    # A clock of ours that is behind the server's: everything that it judges looks fresh.
    tokens = connection._sdk._client_wrapper._tokens_client
    monkeypatch.setattr(tokens, "_is_valid_jwt_token", lambda *_, **__: True)
    time.sleep(LIFETIME + 1)
    assert studio.projects.create("written after it expired", ["a", "b"], "single")


def test_certificate_that_nobody_trusts_is_explained(
    theirs: Theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with pytest.raises(UnreachableError, match=f"certificate of {theirs.url} is not") as caught:
        Studio(Connection(theirs.url, theirs.legacy, 60, False)).version()
    assert "Set the variable SSL_CERT_FILE to a file (PEM)" in caught.value.hint


def test_client_of_a_local_server_trusts_elsewhere_only_what_is_trusted(
    trusted: Theirs, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"{trusted.url}/health"
    with open_client("http://localhost:8093", 60) as client:
        assert client.get(page).status_code == 200
    monkeypatch.delenv("SSL_CERT_FILE")
    with (
        open_client("http://localhost:8093", 60) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get(page)


def test_certificate_of_another_host_is_explained(trusted: Theirs) -> None:
    url = trusted.url.replace("localhost", "127.0.0.1")
    with pytest.raises(UnreachableError, match="is not trusted") as caught:
        Studio(Connection(url, trusted.legacy, 60, False)).version()
    assert caught.value.hint == "Set label_studio.url to the name that the certificate is for."


def test_file_without_certificates_is_named(
    theirs: Theirs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"no certificates can be read from .*none\.pem"):
        Connection(theirs.url, theirs.legacy, 60, False)


@pytest.mark.parametrize("token", ["legacy", "personal"])
@pytest.mark.parametrize("given", ["front", "plain http", "redirecting http", "a page of it"])
def test_address_that_leads_elsewhere_is_told_with_the_right_one(
    trusted: Theirs, given: str, token: str
) -> None:
    base = trusted.url.removesuffix("/ls")
    redirecting = free_port()
    url = {
        "front": base,
        "plain http": trusted.url.replace("https", "http"),
        "redirecting http": f"http://localhost:{redirecting}/ls",
        "a page of it": f"{trusted.url}/projects/3",
    }[given]
    with (
        proxy(redirecting, None, moved_to=base),
        pytest.raises(UnreachableError) as caught,
    ):
        Studio(Connection(url, getattr(trusted, token), 60, False)).people.whoami()
    assert caught.value.hint.endswith(f"et label_studio.url to {trusted.url}")


def test_https_where_there_is_none_is_explained(trusted: Theirs) -> None:
    port = free_port()
    with proxy(port, None), pytest.raises(UnreachableError) as caught:
        Studio(Connection(f"https://localhost:{port}", trusted.legacy, 60, False)).version()
    assert f"set label_studio.url to http://localhost:{port}" in caught.value.hint
