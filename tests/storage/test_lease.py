"""The lock of a dataset: one holder, whoever dies."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import pytest

from annolooop.errors import UnreachableError
from annolooop.storage import lease as lock_module
from annolooop.storage.artifacts.store import ArtifactStore, StoredObject
from annolooop.storage.lease import Lease, myself, this_machine
from annolooop.storage.series import Series

PREFIX = "locks/cats"
ME = myself("infer", "ana@host")
HOLD = """
import sys, time
from annolooop.storage.lease import Lease, myself
from annolooop.storage.artifacts.store import ArtifactStore
Lease(ArtifactStore(sys.argv[1]), "cats", 0, print).acquire(myself("train", "bob@host"))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path))


def make(
    store: ArtifactStore, timeout: float = 0, said: list[str] | None = None, silence: float = 60
) -> Lease:
    told = [] if said is None else said
    return Lease(store, "cats", timeout, told.append, silence)


def write(store: ArtifactStore, number: int, **changed: object) -> None:
    """A lock that someone else holds."""
    holder = replace(ME, **changed)  # type: ignore[arg-type]
    store.put(f"{PREFIX}/{number:06d}.json", json.dumps(asdict(holder)).encode())


def test_one_object_is_left_that_says_who_had_it(store: ArtifactStore) -> None:
    for _ in range(3):
        lock = make(store)
        lock.acquire(ME)
        with lock.guard():
            pass
        lock.release()
    (left,) = store.walk(PREFIX)
    state = json.loads(store.get(left.key))
    assert left.key == f"{PREFIX}/000003.json"
    assert (state["person"], state["command"], state["released"]) == ("ana@host", "infer", True)
    assert (state["machine"], state["pid"]) == (this_machine(), os.getpid())


def test_held_lock_says_who_holds_it_and_what_to_do(store: ArtifactStore) -> None:
    make(store).acquire(ME)
    with pytest.raises(UnreachableError) as caught:
        make(store).acquire(ME)
    since = datetime.fromisoformat(ME.since).astimezone()
    told = rf"`infer` by ana@host since (\d{{4}}-\d\d-\d\d )?{since:%H:%M} "
    assert re.search(told, caught.value.message)
    assert f"(pid {os.getpid()})" in caught.value.message
    assert "store.lock_timeout" in caught.value.hint
    assert f"kill {os.getpid()}" in caught.value.hint


def test_waiter_says_once_whom_it_waits_for_and_goes_on(store: ArtifactStore) -> None:
    first, said = make(store), list[str]()
    first.acquire(ME)
    threading.Timer(0.6, first.release).start()
    make(store, 30, said).acquire(ME)
    assert len(said) == 1
    assert said[0].startswith("waiting for `infer` by ana@host since ")


@pytest.mark.slow
def test_of_many_one_has_it_at_a_time(store: ArtifactStore) -> None:
    inside = []

    def work(_: int) -> int:
        lock = make(store, 60)
        lock.acquire(ME)
        inside.append(1)
        with lock.guard():
            most = len(inside)
            time.sleep(0.01)
        inside.pop()
        lock.release()
        return most

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(12))) == [1] * 12


def test_killed_holder_is_known_to_be_gone_at_once(store: ArtifactStore) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, store.url], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(UnreachableError, match="`train` by bob@host"):
        make(store).acquire(ME)
    process.send_signal(signal.SIGKILL)
    process.wait()
    said: list[str] = []
    make(store, 0, said).acquire(ME)
    assert len(said) == 1
    assert said[0].startswith("taking over from `train` by bob@host")


def test_process_that_got_the_pid_of_a_dead_holder_is_not_the_holder(store: ArtifactStore) -> None:
    write(store, 7, born=ME.born - 1000)
    make(store).acquire(ME)


def test_silent_holder_elsewhere_is_gone_after_a_while(store: ArtifactStore) -> None:
    write(store, 7, machine="elsewhere", pid=2**22 + 1, since="2020-01-01T00:00:00+00:00")
    begun = time.monotonic()
    said: list[str] = []
    make(store, 30, said, silence=1.0).acquire(ME)
    assert time.monotonic() - begun > 1
    assert [line.partition(" `")[0] for line in said] == ["waiting for", "taking over from"]
    assert "since 2020-01-01" in said[0]


@pytest.mark.slow
def test_holder_elsewhere_that_gives_signs_of_life_keeps_it(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "SECONDS_BETWEEN_SIGNS", 0.1)
    holder = make(store)
    holder.acquire(replace(ME, machine="elsewhere"))
    with pytest.raises(UnreachableError, match="in use"):
        make(store, 2, silence=1.0).acquire(ME)
    holder.release()


def test_holder_that_was_replaced_must_stop(store: ArtifactStore) -> None:
    lock = make(store)
    lock.acquire(ME)
    write(store, 2, person="bob@host")
    with pytest.raises(UnreachableError, match=r"taken over.*bob@host"), lock.guard():
        pytest.fail("it must not go on")
    lock.release()
    with pytest.raises(UnreachableError, match=r"in use: .*bob@host"):
        make(store).acquire(ME)


def test_holder_that_was_replaced_during_a_request_learns_it(store: ArtifactStore) -> None:
    lock = make(store)
    lock.acquire(ME)
    with pytest.raises(UnreachableError, match=r"taken over.*bob@host"), lock.guard():
        write(store, 2, person="bob@host")


def test_holder_that_slept_gives_a_sign_of_life_or_stops(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "SECONDS_OF_TRUST", 0.0)
    lock = make(store)
    lock.acquire(ME)
    with lock.guard():
        assert json.loads(store.get(f"{PREFIX}/000001.json"))["beat"] == 1

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnreachableError, match="No space left"), lock.guard():
        pytest.fail("it must not go on")
    lock.release()


def test_lock_that_nobody_can_read_is_taken_over_after_silence(store: ArtifactStore) -> None:
    store.put(f"{PREFIX}/000001.json", b"")
    make(store, 30, silence=0.5).acquire(ME)
    assert Series(store, PREFIX, dict).numbers() == [2]


class LateListing(ArtifactStore):
    """A store that lists what was written, and what was removed, a while later.

    Attributes:
        late: seconds.
        requests: lists that were asked for.
    """

    late = 0.0
    requests = 0

    def put_new(self, key: str, data: bytes) -> bool:
        written = super().put_new(key, data)
        self.__dict__.setdefault("times", {}).setdefault(key, time.monotonic())
        return written

    def walk(self, prefix: str) -> Iterator[StoredObject]:
        self.requests += 1
        times, now = self.__dict__.get("times", {}), time.monotonic()
        return (o for o in super().walk(prefix) if now - times.get(o.key, 0) >= self.late)


@pytest.mark.slow
def test_listing_that_is_late_delays_and_stops_nobody(tmp_path: Path) -> None:
    store = LateListing(str(tmp_path))
    store.late = 1.0
    for _ in range(2):
        lock = make(store, 30)
        lock.acquire(ME)
        with lock.guard():
            pass
        lock.release()
    assert store.requests < 40


def test_listing_that_never_comes_ends_in_time(tmp_path: Path) -> None:
    store = LateListing(str(tmp_path))
    store.late, begun = 1000.0, time.monotonic()
    with pytest.raises(UnreachableError, match="the dataset cats is in use"):
        make(store, 1.5).acquire(ME)
    assert 1.4 < time.monotonic() - begun < 6
    assert store.requests < 20
    assert not (tmp_path / PREFIX / "000001.json").exists()


def test_listing_of_what_was_removed_ends_in_time(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests, gone = list[str](), StoredObject(f"{PREFIX}/000007.json", 5, "")
    monkeypatch.setattr(store, "walk", lambda prefix: requests.append(prefix) or iter([gone]))
    with pytest.raises(UnreachableError, match="in use: someone"):
        make(store, 1).acquire(ME)
    assert len(requests) < 20


@pytest.mark.parametrize(
    "changed", [{"pid": 10**30}, {"pid": -1}, {"since": "yesterday"}, {"since": "2026-01-01"}]
)
def test_lock_that_cannot_be_read_is_someones(
    store: ArtifactStore, changed: dict[str, object]
) -> None:
    write(store, 7, **changed)
    with pytest.raises(UnreachableError, match="someone holds its lock"):
        make(store).acquire(ME)
