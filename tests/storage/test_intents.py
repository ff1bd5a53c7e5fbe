"""Who finds that a request may be under way waits for its end, and not longer."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from annolooop.storage import intents
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.intents import Intent


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path))


@pytest.fixture
def intent(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> Intent[dict[str, int]]:
    monkeypatch.setattr(intents, "SECONDS_OF_QUIET", 0.2)
    monkeypatch.setattr(intents, "SECONDS_BETWEEN_LOOKS", 0.01)
    return Intent(store, "cats", "pushing", dict[str, int])


@pytest.fixture
def changing() -> Iterator[int]:
    """Counters of a server that never rests."""
    return count()


def test_request_is_announced_while_it_is_under_way(
    intent: Intent[dict[str, int]], store: ArtifactStore
) -> None:
    with intent.under_way({"tasks": 3}):
        assert store.exists("datasets/cats/pushing.json")
        assert intent.read() == {"tasks": 3}
    assert intent.read() is None
    assert not store.exists("datasets/cats/pushing.json")


def test_request_that_failed_stays_announced(intent: Intent[dict[str, int]]) -> None:
    with pytest.raises(ZeroDivisionError), intent.under_way({"tasks": 3}):
        raise ZeroDivisionError
    assert intent.exists()


def test_nobody_waits_where_nothing_was_announced(intent: Intent[dict[str, int]]) -> None:
    assert not intent.await_end(lambda: pytest.fail("nobody asks the server"))


def test_wait_ends_when_all_is_there(
    intent: Intent[dict[str, int]], changing: Iterator[int]
) -> None:
    intent.write({})
    seen: list[int] = []
    assert intent.await_end(lambda: seen.append(next(changing)) or len(seen), lambda: len(seen) > 2)
    assert seen == [0, 1, 2]
    assert not intent.exists()


def test_wait_ends_when_the_server_is_quiet(intent: Intent[dict[str, int]]) -> None:
    intent.write({})
    begun = time.monotonic()
    assert intent.await_end(lambda: "the same")
    assert 0.2 < time.monotonic() - begun < 2
    assert not intent.exists()


def test_whether_all_is_there_is_asked_only_after_a_change(intent: Intent[dict[str, int]]) -> None:
    intent.write({})
    asked: list[int] = []
    assert intent.await_end(lambda: "the same", lambda: bool(asked.append(1)))
    assert asked == [1]


def test_wait_ends_at_last_though_the_server_never_rests(
    intent: Intent[dict[str, int]], changing: Iterator[int]
) -> None:
    intent.write({})
    begun = time.monotonic()
    assert intent.await_end(lambda: next(changing), longest=0.3)
    assert 0.3 < time.monotonic() - begun < 2


@pytest.mark.parametrize("body", [b"", b'{"tasks": "three"}', b"[" * 9000])
def test_damaged_announcement_tells_that_a_request_may_run_and_not_which(
    intent: Intent[dict[str, int]], store: ArtifactStore, body: bytes
) -> None:
    store.put("datasets/cats/pushing.json", body)
    assert intent.read() is None
    assert intent.exists()
    assert intent.await_end(lambda: "the same")
    assert not intent.exists()
