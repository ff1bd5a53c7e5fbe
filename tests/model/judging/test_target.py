"""Labels until a target: by the power law, and never a made-up number."""

import pytest

from annolooop.domain.versions import Estimate
from annolooop.model.heads.interval import wilson
from annolooop.model.judging.target import FARTHEST, Range, images_to_be_sure, labels_to_target

REACHED = Estimate(0.8, 0.76, 0.84)


def test_an_error_that_halves_with_doubled_labels_needs_as_many_again() -> None:
    exact = Estimate(0.8, 0.8, 0.8)
    found = labels_to_target(0.9, 400, exact, 0.8, Estimate(0.1, 0.1, 0.1))
    assert found == Range(400, 400, 400)


def test_the_range_holds_the_ends_of_accuracy_and_gain() -> None:
    found = labels_to_target(0.9, 400, REACHED, 0.8, Estimate(0.1, 0.08, 0.12))
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high


def test_a_target_within_the_interval_may_need_nothing() -> None:
    assert labels_to_target(0.83, 400, REACHED, 0.8, Estimate(0.1, 0.08, 0.12)).low == 0


@pytest.mark.parametrize("gain", [0.0, -0.02, 0.001])
def test_a_curve_that_does_not_rise_does_not_reach_it(gain: float) -> None:
    found = labels_to_target(0.9, 400, REACHED, 0.8, Estimate(gain, gain, 0.1))
    assert (found.value, found.high) == (None, None)
    assert found.low is not None


def test_a_curve_is_not_followed_too_far() -> None:
    slow = Estimate(0.03, 0.01, 0.05)
    found = labels_to_target(0.95, 400, REACHED, 0.8, slow)
    assert found.value is None
    assert labels_to_target(0.82, 400, REACHED, 0.8, slow).value in range(400 * FARTHEST)


def test_without_errors_on_the_curve_nothing_can_be_foreseen() -> None:
    assert labels_to_target(0.9, 400, REACHED, 1.0, Estimate(0.0, 0.0, 0.0)).value is None


@pytest.mark.parametrize(("target", "share"), [(0.9, 0.93), (0.5, 0.8), (0.95, 0.96)])
def test_so_many_images_put_the_interval_above_the_target(target: float, share: float) -> None:
    n = images_to_be_sure(target, share)
    assert n is not None
    assert wilson(round(share * n), n)[0] >= target
    assert wilson(round(share * n * 0.7), round(0.7 * n))[0] < target


@pytest.mark.parametrize("share", [0.9, 0.85, 0.9001])
def test_too_close_to_the_target_no_number_of_images_tells(share: float) -> None:
    assert images_to_be_sure(0.9, share) is None
