"""The bounded pipeline: order, bound, failures, and Ctrl-C."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event

import pytest

from annolooop.errors import Stopped
from annolooop.loop.embed import stages as module
from annolooop.loop.embed.stages import Stage, Stages

LONG = 20.0  # seconds; a wait that takes so long has failed


class Failed(Exception):
    pass


def each(work: Callable[[int], int]) -> Callable[[Iterator[int]], Iterator[int]]:
    """A stage's work on one item after another."""
    return lambda items: map(work, items)


def fail(item: int) -> int:
    raise Failed(item)


def interrupted_in(stages: Stages, begun: Event) -> None:
    """Press Ctrl-C while the first item is worked on."""
    with suppress(KeyboardInterrupt), stages:
        stages.put(1)
        assert begun.wait(LONG)
        raise KeyboardInterrupt


def test_items_pass_all_stages_in_their_order() -> None:
    seen: list[int] = []
    with Stages([Stage("double", each(lambda i: 2 * i)), Stage("keep", each(seen.append))]) as all_:
        for item in range(100):
            all_.put(item)
    assert seen == list(range(0, 200, 2))


def test_stage_may_gather_items_and_hand_on_the_rest_at_the_end() -> None:
    seen: list[list[int]] = []

    def in_threes(items: Iterator[int]) -> Iterator[list[int]]:
        group: list[int] = []
        for item in items:
            group.append(item)
            if len(group) == 3:
                yield group
                group = []
        yield group

    with Stages([Stage("gather", in_threes), Stage("keep", lambda g: seen.extend(g))]) as stages:
        for item in range(5):
            stages.put(item)
    assert seen == [[0, 1, 2], [3, 4]]


def test_slow_stage_makes_the_giver_wait() -> None:
    """One item is worked on and one waits; so memory is bounded."""
    free, given = Event(), Event()
    with Stages([Stage("slow", each(lambda i: int(free.wait(LONG))))]) as stages:

        def give(items: Iterator[int]) -> None:
            for item in items:
                stages.put(item)
                if item == 3:
                    given.set()

        with Stages([Stage("giver", give)]) as giver:
            giver.put(1)
            giver.put(2)
            giver.put(3)
            assert not given.wait(0.2)
            free.set()
            assert given.wait(LONG)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_failure_of_any_stage_is_raised_at_the_end(failing: int) -> None:
    works: list[Callable[[int], int]] = [lambda i: i] * 3
    works[failing] = fail
    with pytest.raises(Failed), Stages([Stage(str(n), each(w)) for n, w in enumerate(works)]) as s:
        s.put(1)


def test_failure_is_raised_to_whoever_goes_on_giving() -> None:
    given: list[int] = []

    def give_for_ever() -> None:
        with Stages([Stage("fails", each(fail))]) as stages:
            while True:
                stages.put(len(given))
                given.append(len(given))

    with pytest.raises(Failed):
        give_for_ever()
    assert len(given) <= 3


def test_nothing_is_worked_on_after_a_failure() -> None:
    done: list[int] = []

    def work(item: int) -> int:
        done.append(item)
        return fail(item)

    with suppress(Failed), Stages([Stage("fails", each(work))]) as stages:
        for item in range(10):
            stages.put(item)
    assert done == [0]


def test_failure_of_the_block_sets_the_flag_and_drops_what_waits() -> None:
    done: list[int] = []
    begun = Event()
    stop = Event()

    def work(item: int) -> int:
        begun.set()
        assert stop.wait(LONG)
        done.append(item)
        return item

    with suppress(Failed), Stages([Stage("waits", each(work))], stop) as stages:
        stages.put(1)
        assert begun.wait(LONG)
        stages.put(2)
        raise Failed
    assert done == [1]


def test_giver_is_stopped_by_the_flag() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped), Stages([Stage("any", each(lambda i: i))], stop) as stages:
        stages.put(1)


def test_work_that_was_stopped_by_the_flag_is_no_failure_of_its_own() -> None:
    begun = Event()

    def work(item: int) -> int:
        begun.set()
        assert stages.stop.wait(LONG)
        raise Stopped

    def fail_beside_it() -> None:
        with stages:
            stages.put(1)
            assert begun.wait(LONG)
            raise Failed

    stages = Stages([Stage("waits", each(work))])
    with pytest.raises(Failed):
        fail_beside_it()


def test_after_ctrl_c_work_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_AFTER_INTERRUPT", 0.1)
    begun, released = Event(), Event()

    def hang(item: int) -> int:
        begun.set()
        released.wait(LONG)
        return item

    since = time.monotonic()
    interrupted_in(Stages([Stage("hangs", each(hang))]), begun)
    assert time.monotonic() - since < LONG / 2
    released.set()


def test_after_ctrl_c_work_that_has_begun_may_end() -> None:
    done: list[int] = []
    begun = Event()
    stages: Stages

    def work(item: int) -> int:
        begun.set()
        assert stages.stop.wait(LONG)
        done.append(item)
        return item

    stages = Stages([Stage("ends", each(work))])
    interrupted_in(stages, begun)
    assert done == [1]


def test_after_ctrl_c_at_the_end_work_that_has_begun_may_end() -> None:
    """The signal comes while the main thread only waits for the stages."""
    done: list[int] = []

    def work(item: int) -> int:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        assert stages.stop.wait(LONG)
        done.append(item)
        return item

    stages = Stages([Stage("ends", each(work))])
    with suppress(KeyboardInterrupt), stages:
        stages.put(1)
    assert done == [1]


class Stillborn(threading.Thread):
    """A thread that ends before it begins, as often as `deaths` says."""

    deaths = 0

    def run(self) -> None:
        if Stillborn.deaths:
            Stillborn.deaths -= 1
        else:
            super().run()


def test_thread_that_ends_before_it_begins_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Thread", Stillborn)
    monkeypatch.setattr(Stillborn, "deaths", 2)
    done: list[int] = []
    with Stages([Stage("double", each(lambda n: 2 * n)), Stage("keep", each(done.append))]) as run:  # type: ignore[arg-type]
        for item in range(5):
            run.put(item)
    assert done == [0, 2, 4, 6, 8]


def test_threads_that_never_begin_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Thread", Stillborn)
    monkeypatch.setattr(Stillborn, "deaths", 99)
    with pytest.raises(RuntimeError, match="of the stage first does not begin"):
        Stages([Stage("first", each(fail))]).__enter__()


@pytest.mark.parametrize("lost", [0, 1])
def test_thread_that_is_gone_ends_all_of_it(monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    run = Stages._run

    def vanish(self: Stages, number: int) -> None:
        if number == lost:
            with self._changed:
                self._begun[number] = True
                self._changed.notify_all()
        else:
            run(self, number)

    monkeypatch.setattr(Stages, "_run", vanish)
    stages = Stages([Stage("first", each(lambda n: n)), Stage("second", each(lambda n: n))])

    def put_all() -> None:
        with stages:
            for item in range(9):
                stages.put(item)

    with pytest.raises(RuntimeError, match="is gone"):
        put_all()
