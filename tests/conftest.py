"""Real parts for the tests: one Label Studio for most of them, copies of its folder for others."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
import yaml
from filelock import FileLock
from PIL import Image, ImageDraw
from platformdirs import user_cache_path

from annolooop.cli import app
from annolooop.config import DEFAULT_LABEL_STUDIO
from annolooop.labelstudio.daemon import Daemon
from annolooop.labelstudio.environment import ensure_environment
from annolooop.stack import Stack
from annolooop.stack_file import load_stack

if TYPE_CHECKING:
    from buckets import AzureServer, GCSServer, S3Server
    from faulty_proxy import FaultyProxy

# Threads of one process, of its commands, and of the other process would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test asks for what a cloud gives its own machines; one library reads this when it is imported.
os.environ.update(NO_GCE_CHECK="true", AWS_EC2_METADATA_DISABLED="true")

CACHE = Path(os.environ.get("ANNOLOOP_TEST_CACHE", user_cache_path("annoloop-tests")))
LABELS = ["aria", "not_aria"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of the command line first: none of the processes is left with their long files."""
    items.sort(key=lambda item: len(item.path.parents))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


@dataclass(frozen=True)
class Server:
    """The Label Studio that most tests share; each test uses datasets of its own."""

    url: str
    token: str
    username: str
    password: str
    document_root: Path


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


class Project:
    """A project folder with a stack file, and the command line run in it."""

    def __init__(self, folder: Path, values: dict[str, object]) -> None:
        self.folder = folder
        self.values = values
        self.file = folder / "annoloop.yaml"
        self.write(values)

    def write(self, values: dict[str, object]) -> None:
        self.file.write_text(yaml.safe_dump(values), encoding="utf-8")

    def stack(self, *overrides: str) -> Stack:
        """A freshly opened stack, as a new command would open it."""
        return Stack(load_stack(str(self.file), overrides), print)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "annolooop", *words]

    def run(self, *words: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        """Run ``annoloop`` in the folder, and check its exit code."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def typed(self, *words: str, code: int = 0, **env: str) -> dict:  # type: ignore[type-arg]
        """Run with ``--json``: the report, which is all that is on stdout."""
        report = json.loads(self.run(*words, "--json", code=code, **env).stdout)
        assert isinstance(report, dict)
        return report

    def json(self, *words: str, code: int = 0, **env: str) -> dict:  # type: ignore[type-arg]
        """The same in this process, which has loaded already what takes seconds to load."""
        out, err, here, ended = StringIO(), StringIO(), Path.cwd(), 0
        os.chdir(self.folder)
        try:
            with patch.dict(os.environ, env), redirect_stdout(out), redirect_stderr(err):
                app([*words, "--json"], prog_name="annoloop")
        except SystemExit as end:
            ended = int(end.code or 0)
        finally:
            os.chdir(here)
        assert ended == code, f"{words}: {ended}\n{out.getvalue()}\n{err.getvalue()}"
        report = json.loads(out.getvalue())
        assert isinstance(report, dict)
        return report


def write_photos(folder: Path, names: list[str], seed: int = 0) -> None:
    """Distinct pictures: a circle for names with ``aria`` in them, a square for others."""
    for number, name in enumerate(names):
        picture = Image.new("RGB", (96, 72), (200, 200 - seed, 120))
        draw = ImageDraw.Draw(picture)
        box = (10 + number, 8, 58 + number, 56)
        if "aria" in name and "not" not in name:
            draw.ellipse(box, fill=(220, 60 + number, 30))
        else:
            draw.rectangle(box, fill=(30, 60, 220 - number))
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.save(file, "PNG" if file.suffix.lower() == ".png" else "JPEG")


def on_server(folder: Path, server: Server, name: str) -> Project:
    """A project on a server that is there, with a store and a dataset of its own."""
    store = server.document_root / name
    return Project(
        folder,
        {
            "store": {"url": str(store)},
            "label_studio": {
                "url": server.url,
                "api_key": server.token,
                "document_root": str(server.document_root),
            },
            "dataset": {"name": f"set {name}", "labels": LABELS},
            "model": {"backbone": "mobilenet_v3_small", "weights": "none"},
            "train": {"holdout": 0.3},
            "cache_dir": str(folder / "cache"),
        },
    )


@pytest.fixture
def project(tmp_path: Path, server: Server, request: pytest.FixtureRequest) -> Project:
    """A project on the shared server, with a store and a dataset of its own."""
    return on_server(tmp_path, server, f"{abs(hash(request.node.nodeid)) % 10**12:012d}")


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
    from buckets import seaweedfs

    with seaweedfs(tmp_path_factory.mktemp("weed")) as started:
        yield started


@pytest.fixture(scope="module")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator["GCSServer"]:
    from buckets import fake_gcs

    with fake_gcs(tmp_path_factory.mktemp("gcs")) as started:
        yield started


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator["AzureServer"]:
    from buckets import azurite

    with azurite(tmp_path_factory.mktemp("azurite")) as started:
        yield started


@pytest.fixture
def proxy(s3: "S3Server") -> Iterator["FaultyProxy"]:
    """A network that can fail, before the S3 server."""
    from faulty_proxy import faulty_proxy

    with faulty_proxy(s3.endpoint) as made:
        yield made
