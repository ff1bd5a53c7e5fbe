"""Real bucket servers on free ports."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

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


@contextmanager
def seaweedfs(folder: Path) -> Iterator[S3Server]:
    """SeaweedFS for the length of a block."""
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
    command = [
        str(Path(sys.executable).parent / "weed"),
        *("mini", "-dir", str(folder), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1"),
        *("-s3.port", str(port), "-master.port", str(_pair()), "-volume.port", str(_pair())),
        *("-filer.port", str(_pair()), "-s3.port.iceberg", "0", "-s3.port.lance", "0"),
        *("-admin.ui=false", "-webdav=false", "-master.telemetry=false"),
        *("-s3.autoCreateBucket=false", "-s3.config", str(folder / "s3.json")),
        *("-bucket", server.bucket),
    ]
    log = (folder / "weed.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        _await(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
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
