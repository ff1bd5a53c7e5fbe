"""How fast annoloop reads a bucket: many small objects, against the bare SDK of each cloud.

Measured: `ArtifactStore.get_each`, which is how `infer`, `train` and `export` read images, over
all objects below a prefix, in their order. Against it: the provider's own library, in whatever
order, with as many requests at a time (`READS_AT_ONCE`) and connections that are kept open; for S3
aiobotocore, for Google Cloud Storage google-cloud-storage in threads (it has no aio client), for
Azure the aio client of azure-storage-blob.

The servers are real ones on this machine: SeaweedFS, fake-gcs-server, Azurite. All three take most
of the processor themselves, so the rates are low and the ratios mild; over a network, both sides
wait. In each round the two read in turn, and take turns in going first, after one round that is
not counted. The ratio of the median rates should be at least 0.9.

Run it: python benchmarks/bucket_read.py [--provider s3|gcs|azure ...] [--objects N] [--size BYTES]
[--rounds N]

Exit status: 0 within the target, 1 below it or when something else was read than was put.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiobotocore.session
import requests
from aiobotocore.config import AioConfig
from azure.storage.blob.aio import ContainerClient
from figures import Figure, add_record, tell
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from annolooop.storage.artifacts.reading import READS_AT_ONCE
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.clouds.azure.files import AzureAccess, open_azure
from annolooop.storage.clouds.gcs.files import GCSAccess, open_gcs
from annolooop.storage.clouds.s3.files import CONNECTIONS, S3Access, open_s3

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.bucket_servers import AzureServer, S3Server, azurite, fake_gcs, seaweedfs

TARGET = 0.9
PREFIX = "benchmark"

Read = Callable[[Sequence[str]], int]  # keys -> bytes in all


@dataclass(frozen=True)
class Side:
    """The two readers of one server."""

    store: ArtifactStore
    bare: Read


def main() -> int:
    """Measure each provider, print, and tell by the exit status whether the target is met."""
    parser = argparse.ArgumentParser(description="Objects a second, over the bare SDK's.")
    parser.add_argument("--provider", choices=PROVIDERS, action="append", help="default: all")
    parser.add_argument("--objects", type=int, default=1000, metavar="N", help="default: 1000")
    parser.add_argument("--size", type=int, default=8192, metavar="BYTES", help="default: 8192")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="default: 7")
    add_record(parser)
    args = parser.parse_args()
    if min(args.objects, args.size, args.rounds) < 1:
        parser.error("--objects, --size and --rounds must be at least 1")

    figures = []
    for name in args.provider or PROVIDERS:
        with (
            TemporaryDirectory(prefix="annoloop-benchmark-") as folder,
            PROVIDERS[name](Path(folder)) as side,
        ):
            ours, bare = compare(side, args.objects, args.size, args.rounds)
        what = f"reading {args.objects:,} objects of {args.size:,} bytes, {name}"
        values = f"{ours:.0f}/s over {bare:.0f}/s"
        figures.append(
            Figure(what, "the store's objects/s over the bare SDK's", values, ours / bare, TARGET)
        )
        print(f"{name}: {values}", flush=True)
    return tell(figures, args.record)


def compare(side: Side, objects: int, size: int, rounds: int) -> tuple[float, float]:
    """Median rates of the store and of the bare library, in objects a second."""
    keys = [f"images/{number:05d}.jpg" for number in range(objects)]
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        list(pool.map(lambda key: side.store.put(key, os.urandom(size)), keys))

    def ours(wanted: Sequence[str]) -> int:
        return sum(len(data) for _, data in side.store.get_each(wanted, str) if _is_there(data))

    ways: list[Read] = [ours, side.bare]
    rates: list[list[float]] = [[], []]
    for number in range(rounds + 1):
        for way in (0, 1) if number % 2 else (1, 0):
            begun = time.perf_counter()
            read = ways[way](keys)
            taken = time.perf_counter() - begun
            if read != objects * size:
                raise SystemExit(f"{read} bytes were read, not {objects * size}")
            if number:
                rates[way].append(objects / taken)
    return statistics.median(rates[0]), statistics.median(rates[1])


def _is_there(data: Any) -> bool:
    return isinstance(data, bytes)


class Loop:
    """Runs coroutines of a library with an event loop of its own, ``READS_AT_ONCE`` at a time."""

    def __init__(self) -> None:
        self._runner = asyncio.new_event_loop()

    def run(self, work: Awaitable[Any]) -> Any:
        """The result of one coroutine."""
        return self._runner.run_until_complete(work)

    def read(self, one: Callable[[str], Awaitable[bytes]]) -> Read:
        """A reader of many objects, given one of a single one."""

        async def worker(keys: Iterator[str]) -> int:
            return sum([len(await one(key)) for key in keys])

        async def every(keys: Sequence[str]) -> int:
            left = iter(keys)
            return sum(await asyncio.gather(*(worker(left) for _ in range(READS_AT_ONCE))))

        return lambda keys: int(self.run(every(keys)))


@contextmanager
def s3(folder: Path) -> Iterator[Side]:
    """SeaweedFS; aiobotocore."""
    with seaweedfs(folder / "server") as server:
        access = S3Access(server.endpoint, "us-east-1", server.key, server.secret)
        loop = Loop()
        made = _aiobotocore(server)
        client = loop.run(made.__aenter__())

        async def one(key: str) -> bytes:
            answer = await client.get_object(Bucket=server.bucket, Key=f"{PREFIX}/{key}")
            async with answer["Body"] as body:
                return bytes(await body.read())

        store = ArtifactStore(f"s3://{server.bucket}/{PREFIX}", open_s3(access))
        yield Side(store, loop.read(one))
        loop.run(made.__aexit__(None, None, None))


def _aiobotocore(server: S3Server) -> Any:
    return aiobotocore.session.get_session().create_client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.key,
        aws_secret_access_key=server.secret,
        config=AioConfig(max_pool_connections=CONNECTIONS, signature_version="s3v4"),
    )


@contextmanager
def gcs(folder: Path) -> Iterator[Side]:
    """fake-gcs-server; google-cloud-storage in threads."""
    with fake_gcs(folder / "server") as server, requests.Session() as session:
        session.mount("http://", requests.adapters.HTTPAdapter(CONNECTIONS, CONNECTIONS))
        client = storage.Client(
            project="benchmark",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": server.endpoint},
            _http=session,
        )
        bucket = client.bucket(server.bucket)

        def one(key: str) -> int:
            return len(bucket.blob(f"{PREFIX}/{key}").download_as_bytes())

        access = GCSAccess(endpoint=server.endpoint)
        store = ArtifactStore(f"gs://{server.bucket}/{PREFIX}", open_gcs(access))
        with ThreadPoolExecutor(READS_AT_ONCE) as pool:
            yield Side(store, lambda keys: sum(pool.map(one, keys)))


@contextmanager
def azure(folder: Path) -> Iterator[Side]:
    """Azurite; the aio client of azure-storage-blob."""
    with azurite(folder / "server") as server:
        loop = Loop()
        client = loop.run(_container(server))

        async def one(key: str) -> bytes:
            answer = await client.download_blob(f"{PREFIX}/{key}")
            return bytes(await answer.readall())

        access = AzureAccess(connection_string=server.connection_string)
        store = ArtifactStore(f"az://{server.container}/{PREFIX}", open_azure(access))
        yield Side(store, loop.read(one))
        loop.run(client.close())


async def _container(server: AzureServer) -> ContainerClient:
    return ContainerClient.from_connection_string(server.connection_string, server.container)


PROVIDERS = {"s3": s3, "gcs": gcs, "azure": azure}

if __name__ == "__main__":
    sys.exit(main())
