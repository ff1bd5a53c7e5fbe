"""A bucket whose server is busy, hangs up, or goes away: nothing is lost, and nothing doubled."""

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.bucket_servers import S3Server, azurite, fake_gcs
from support.faulty_proxy import FaultyProxy, faulty_proxy

from annolooop.errors import UnreachableError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.clouds.azure.files import AzureAccess, open_azure
from annolooop.storage.clouds.gcs.files import GCSAccess, open_gcs
from annolooop.storage.clouds.s3.files import S3Access, open_s3
from annolooop.storage.series import Series

KEYS = [f"images/{n:03d}.jpg" for n in range(100)]


@pytest.fixture
def store(s3: S3Server, proxy: FaultyProxy) -> ArtifactStore:
    access = S3Access(proxy.endpoint, "us-east-1", s3.key, s3.secret)
    return ArtifactStore(f"s3://{s3.bucket}/{secrets.token_hex(4)}", open_s3(access))


def put_all(store: ArtifactStore) -> list[bool]:
    with ThreadPoolExecutor(store.at_once) as pool:
        return list(pool.map(lambda key: store.put_new(key, key.encode()), KEYS))


def test_reads_many_in_order_and_tells_what_is_missing(store: ArtifactStore) -> None:
    put_all(store)
    asked = [None, *KEYS, "images/none.jpg", "images/[1].jpg"]
    found = list(store.get_each(asked, lambda key: key))
    assert [item for item, _ in found] == asked
    assert [data for _, data in found[: len(KEYS) + 1]] == [None, *(key.encode() for key in KEYS)]
    assert [type(data) for _, data in found[-2:]] == [KeyError, KeyError]


def test_reading_stops_asking_when_nobody_wants_more(
    store: ArtifactStore, proxy: FaultyProxy
) -> None:
    put_all(store)
    proxy.seen.clear()
    reading = store.get_each(KEYS, str)
    assert next(reading) == (KEYS[0], KEYS[0].encode())
    reading.close()  # type: ignore[attr-defined]
    methods = [method for method, *_ in proxy.seen]
    assert set(methods) == {"GET"}  # no HEAD before it
    assert len(methods) <= 40


def test_busy_answers_and_cut_connections_are_tried_again(
    store: ArtifactStore, proxy: FaultyProxy
) -> None:
    proxy.fail_in_turn(*["busy", "", "lost", "busy"] * 8)
    assert put_all(store) == [True] * len(KEYS)  # also those that only the first try wrote
    proxy.fail_in_turn(*["cut", "busy", "", "lost"] * 8)
    assert list(store.get_each(KEYS, str)) == [(key, key.encode()) for key in KEYS]
    assert [found.key for found in store.walk("images")] == KEYS
    proxy.fail_in_turn("lost", "lost")
    series: Series[str] = Series(store, "series", str)
    assert [series.append("one"), series.append("two")] == [1, 2]
    assert series.numbers() == [1, 2]


def test_server_that_stays_busy_is_asked_as_often_as_the_machine_says(
    proxy: FaultyProxy, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    proxy.fault = lambda method, path: "busy"
    for step in (store.get, store.info, lambda key: store.put(key, b"1")):
        proxy.seen.clear()
        with pytest.raises(UnreachableError):
            step("a")
        assert len(proxy.seen) == 2  # the libraries do not multiply each other's tries


def test_server_that_is_gone_is_told_in_seconds(
    store: ArtifactStore, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    put_all(store)
    reading = store.get_each(KEYS, str)
    next(reading)
    proxy.leave()
    begun = time.monotonic()
    with pytest.raises(UnreachableError, match="does not answer") as caught:
        list(reading)
    assert time.monotonic() - begun < 10
    assert "s3.endpoint" in caught.value.hint
    proxy.come_back()
    assert len(list(store.get_each(KEYS, str))) == len(KEYS)


@pytest.fixture(params=["gcs", "azure"])
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ArtifactStore, FaultyProxy]]:
    """Servers of the other clouds."""
    monkeypatch.setattr(
        "annolooop.storage.clouds.gcs.files.PAUSES", (0.1,) * 5
    )  # as many tries, in less time
    if request.param == "gcs":
        with fake_gcs(tmp_path) as gcs, faulty_proxy(gcs.endpoint) as made:
            provider = open_gcs(GCSAccess(endpoint=made.endpoint))
            yield ArtifactStore(f"gs://{gcs.bucket}/x", provider), made
        return
    with azurite(tmp_path) as azure, faulty_proxy(azure.endpoint.rpartition("/")[0]) as made:
        access = AzureAccess(azure.account, azure.key, endpoint=f"{made.endpoint}/{azure.account}")
        yield ArtifactStore(f"az://{azure.container}/x", open_azure(access)), made


@pytest.mark.slow
def test_on_other_clouds_nothing_is_lost_or_doubled_either(
    elsewhere: tuple[ArtifactStore, FaultyProxy],
) -> None:
    store, proxy = elsewhere
    proxy.fail_in_turn(*["busy", "", "lost"] * 2)
    assert put_all(store) == [True] * len(KEYS)
    proxy.fail_in_turn(*["busy", "", "lost"] * 2)
    whole = [(key, key.encode()) for key in KEYS]
    assert list(store.get_each(KEYS, str)) == whole
    reading = store.get_each(KEYS, str)
    next(reading)
    proxy.leave()
    with pytest.raises(UnreachableError, match="does not answer"):
        list(reading)
    proxy.come_back()
    assert list(store.get_each(KEYS, str)) == whole
    assert [found.key for found in store.walk("images")] == KEYS
