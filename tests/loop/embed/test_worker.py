"""Work behind its giver, when it does not end."""

import time
from contextlib import suppress
from threading import Event

import pytest

from annolooop.loop.embed import worker as behind
from annolooop.loop.embed.worker import Behind


def interrupted_in(worker: Behind[int]) -> None:
    """Press Ctrl-C shortly after something was handed over."""
    with suppress(KeyboardInterrupt), worker:
        worker.give(1)
        time.sleep(0.1)
        raise KeyboardInterrupt


def test_after_ctrl_c_work_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "GRACE", 0.1)
    released = Event()

    def hang(item: int) -> None:
        released.wait(20)

    begun = time.monotonic()
    interrupted_in(Behind(hang))
    assert time.monotonic() - begun < 10
    released.set()


def test_after_ctrl_c_work_that_has_begun_may_end() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        time.sleep(0.3)
        done.append(item)

    interrupted_in(Behind(work))
    assert done == [1]
