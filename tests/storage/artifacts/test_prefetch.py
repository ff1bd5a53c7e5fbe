"""Work that is done ahead keeps to its bounds."""

from threading import Lock
from time import sleep

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
