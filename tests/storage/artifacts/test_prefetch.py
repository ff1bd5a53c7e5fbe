"""Work that is done ahead keeps to its bounds."""

from threading import Lock, get_ident
from time import sleep

import pytest

from annolooop.storage.artifacts.prefetch import prefetch


def test_what_is_worked_on_or_waits_fits_into_the_room() -> None:
    weights = [3, 3, 9, 1, 1, 1, 1, 20, 1, 1, 5, 5, 5]
    begun: list[int] = []
    lock = Lock()

    def work(index: int) -> int:
        with lock:
            begun.append(index)
        sleep(0.001)
        return index

    taken = []
    for done in prefetch(work, range(len(weights)), 4, lambda index: weights[index], 10):
        taken.append(done)
        sleep(0.005)
        held = [weights[index] for index in begun if index > done]
        assert len(held) <= 4
        assert sum(held) <= 10 or len(held) == 1
    assert taken == list(range(len(weights)))


def test_one_at_a_time_is_done_in_the_callers_thread() -> None:
    threads = list(prefetch(lambda item: get_ident(), range(3), 1))
    assert set(threads) == {get_ident()}


def test_error_comes_when_it_is_its_turn() -> None:
    results = prefetch(lambda number: 1 / number, [2, 1, 0, 4], 4)
    assert [next(results), next(results)] == [0.5, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_nothing_begins_after_an_error() -> None:
    begun: list[int] = []

    def work(number: int) -> float:
        begun.append(number)
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        list(prefetch(work, [0, *range(1, 100)], 2))
    assert len(begun) < 5
