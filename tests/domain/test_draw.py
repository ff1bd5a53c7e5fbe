"""A draw by hash is stable, even, and independent of draws for other purposes."""

import hashlib
import statistics
from itertools import combinations

import pytest

from annolooop.domain import draw as purposes
from annolooop.domain.draw import SPLIT, TWO_PEOPLE, draw

HASHES = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(2000)]
PURPOSES = {name: value for name, value in vars(purposes).items() if isinstance(value, slice)}


def test_draw_reads_the_digits_of_its_purpose() -> None:
    assert draw("8" + "0" * 63, SPLIT) == 0.5
    assert draw("0" * 13 + "4" + "0" * 50, TWO_PEOPLE) == 0.25


def test_draw_stays_below_one_and_reaches_zero() -> None:
    assert draw("0" * 64, SPLIT) == 0.0
    assert 0.999 < draw("f" * 64, SPLIT) < 1.0


@pytest.mark.parametrize("purpose", list(PURPOSES.values()), ids=list(PURPOSES))
def test_a_share_of_the_contents_is_below_that_share(purpose: slice) -> None:
    assert sum(draw(sha256, purpose) < 0.2 for sha256 in HASHES) == pytest.approx(400, abs=60)


@pytest.mark.parametrize(("one", "other"), list(combinations(PURPOSES, 2)))
def test_draws_for_two_purposes_are_independent(one: str, other: str) -> None:
    first = [draw(sha256, PURPOSES[one]) for sha256 in HASHES]
    second = [draw(sha256, PURPOSES[other]) for sha256 in HASHES]
    assert abs(statistics.correlation(first, second)) < 0.08
