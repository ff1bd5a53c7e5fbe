"""Numbers as people read them."""

import pytest

from annolooop.page.numbers import goal, hours, seconds


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0 min"),
        (0.001, "1 min"),
        (1.4, "84 min"),
        (1.5, "1.5 h"),
        (9.96, "10.0 h"),
        (1234.5, "1 234 h"),
    ],
)
def test_hours_have_no_digits_that_nobody_can_know(amount: float, words: str) -> None:
    assert " ".join(hours(amount).split()) == words


def test_seconds_of_one_answer() -> None:
    assert (seconds(6.74), seconds(17.2)) == ("6.7\u00a0s", "17\u00a0s")


def test_a_goal_has_the_digits_that_were_written() -> None:
    assert (goal(0.95), goal(0.925), goal(0.29)) == ("95\u00a0%", "92.5\u00a0%", "29\u00a0%")
