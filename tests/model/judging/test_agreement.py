"""Agreement is what the literature and other programs compute."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from annolooop.model.judging.agreement import Answers, alpha, alpha_of_labels, kappa

NONE = 0
# Reliability data of Krippendorff 2011: four observers, twelve units, five values, gaps.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3),
    (NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE),
)


def to_answers(values: object) -> Answers:
    matrix = np.asarray(values)
    return Answers(matrix[:, :, None] == np.arange(1, matrix.max() + 1), matrix != NONE)


def test_alpha_is_that_of_the_published_example() -> None:
    found = alpha(to_answers(OBSERVERS))
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.743 < found.high <= 1


def test_alpha_of_two_people_without_gaps_is_that_of_the_published_example() -> None:
    # Krippendorff 2011, A: binary data, two observers.
    meg = (0, 1, 0, 0, 0, 0, 0, 0, 1, 0)
    owen = (1, 1, 1, 0, 0, 1, 0, 0, 0, 0)
    found = alpha(to_answers(np.array([meg, owen]) + 1))
    assert found.value == pytest.approx(0.095, abs=5e-4)


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(1, 5, 200)
    second = np.where(rng.random(200) < 0.6, first, rng.integers(1, 5, 200))
    found = kappa(to_answers([first, second]), 0, 1)
    assert found.value == pytest.approx(cohen_kappa_score(first, second))
    # Of one label of a multiple choice, too: it is a question of its own.
    one = to_answers([first, second])
    single = Answers(one.gave[:, :, [0]], one.answered)
    assert kappa(single, 0, 1).value == pytest.approx(cohen_kappa_score(first == 1, second == 1))


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng, held, rounds = np.random.default_rng(1), 0, 60
    for _ in range(rounds):
        first = rng.integers(1, 3, 100)
        second = np.where(rng.random(100) < 0.6, first, rng.integers(1, 3, 100))
        found = alpha(to_answers([first, second]))  # 0.6 beyond chance, in the long run
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.6 <= found.high
    assert held >= 0.87 * rounds


def test_agreement_without_variety_says_nothing() -> None:
    assert alpha(to_answers([[1, 1, 1], [1, 1, 1]])).value is None
    assert alpha_of_labels(to_answers([[1, 2, 2], [1, 2, 2]]))[0].value == 1
