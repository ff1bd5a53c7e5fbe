"""Real parts for the tests: one Label Studio for most of them, copies of its folder for others."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from support.fake_label_studio import FakeLabelStudio, fake_label_studio
from support.project import CACHE, LABELS, Project, Server, free_port, on_server

from annolooop.config.schema import DEFAULT_LABEL_STUDIO
from annolooop.labelstudio.server.daemon import Daemon
from annolooop.labelstudio.server.install import ensure_environment

if TYPE_CHECKING:
    from support.bucket_servers import AzureServer, GCSServer, S3Server
    from support.faulty_proxy import FaultyProxy


# A test has the marker of each fixture that it uses, also through other fixtures.
MARKERS = {
    "label_studio_command": "server",
    "make_daemon": "server",
    "page": "browser",
    "s3": "bucket",
    "gcs": "bucket",
    "azure": "bucket",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need, and begin with the files that take longest."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for marker in {MARKERS[name] for name in fixtures if name in MARKERS}:
            item.add_marker(marker)
        function = getattr(item, "function", None)
        if function and "open_page" in function.__code__.co_names:
            item.add_marker("browser")
        if "stories" in item.path.parts:
            item.add_marker("story")
    items.sort(key=lambda item: (not item.get_closest_marker("story"), len(item.path.parents)))


@pytest.fixture(scope="session")
def label_studio_command() -> str:
    """A real Label Studio, installed as `annoloop up` installs it, kept between test runs."""
    executable = ensure_environment(CACHE / "label-studio", DEFAULT_LABEL_STUDIO, "tests", print)
    return str(executable)


@pytest.fixture(scope="session")
def make_daemon(
    label_studio_command: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Daemon]]:
    """Makes daemons on free ports; what they leave running is stopped at the end."""
    made: list[Daemon] = []

    def make(data_dir: Path, document_root: Path, port: int | None = None, **env: str) -> Daemon:
        daemon = Daemon(
            port=port or free_port(),
            data_dir=data_dir.resolve(),
            name="tests",
            log=data_dir.parent / f"{data_dir.name}.log",
            document_root=document_root.resolve(),
            environments=CACHE / "label-studio",
            version=DEFAULT_LABEL_STUDIO,
            command=label_studio_command,
            start_timeout=300,
            cloud=env,
        )
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        daemon.stop()


@pytest.fixture(scope="session")
def migrated(make_daemon: Callable[..., Daemon], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder to copy: started once, so its database is migrated; empty; stopped."""
    base = tmp_path_factory.getbasetemp()
    # Shared by the processes that run the tests.
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "migrated"
    root.mkdir(exist_ok=True)
    daemon = make_daemon(root / "label-studio", root / "store")
    with FileLock(root / "lock"):
        if not (root / "done").exists():
            daemon.start(print)
            daemon.stop()
            (root / "done").touch()
    return daemon.data_dir


@pytest.fixture(scope="session")
def server(
    make_daemon: Callable[..., Daemon], migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Server:
    root = tmp_path_factory.mktemp("shared")
    shutil.copytree(migrated, root / "label-studio")
    # A server that is not ours must be told that it may ask bucket servers on this machine.
    allowed = {"SSRF_PROTECTION_ENABLED": "false"}
    daemon = make_daemon(root / "label-studio", root / "stores", **allowed)
    daemon.start(print)
    credentials = daemon.credentials()
    assert credentials
    return Server(
        daemon.url,
        credentials.token,
        credentials.username,
        credentials.password,
        daemon.document_root,
    )


@pytest.fixture
def project(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Project:
    """A project on the shared server, with a store and a dataset of its own."""
    return on_server(tmp_path, server, f"{abs(hash(request.node.nodeid)) % 10**12:012d}")


@pytest.fixture
def fake() -> Iterator[FakeLabelStudio]:
    """A server with prepared answers, where the real one is not needed."""
    with fake_label_studio() as running:
        yield running


@pytest.fixture
def own_project(tmp_path: Path, migrated: Path, label_studio_command: str) -> Iterator[Project]:
    """A project with a Label Studio of its own, not yet started."""
    shutil.copytree(migrated, tmp_path / "annoloop-data" / "label-studio")
    made = Project(
        tmp_path,
        {
            "label_studio": {"port": free_port(), "command": label_studio_command},
            "dataset": {"name": "aria_detector", "labels": LABELS},
            "model": {"backbone": "mobilenet_v3_small", "weights": "none"},
            "cache_dir": str(tmp_path / "cache"),
        },
    )
    yield made
    daemon = made.stack().daemon
    assert daemon
    daemon.stop()


# -- bucket servers, one for each file of tests that asks for it -----------------------------------


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator["S3Server"]:
    from support.bucket_servers import seaweedfs

    with seaweedfs(tmp_path_factory.mktemp("weed")) as started:
        yield started


@pytest.fixture(scope="module")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator["GCSServer"]:
    from support.bucket_servers import fake_gcs

    with fake_gcs(tmp_path_factory.mktemp("gcs")) as started:
        yield started


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator["AzureServer"]:
    from support.bucket_servers import azurite

    with azurite(tmp_path_factory.mktemp("azurite")) as started:
        yield started


@pytest.fixture
def proxy(s3: "S3Server") -> Iterator["FaultyProxy"]:
    """A network that can fail, before the S3 server."""
    from support.faulty_proxy import faulty_proxy

    with faulty_proxy(s3.endpoint) as made:
        yield made
