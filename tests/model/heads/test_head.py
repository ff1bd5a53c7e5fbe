"""The head: a linear layer, its probabilities, and its file."""

import numpy as np
import pytest

from annolooop.model.heads.head import Head, activate


def head(multiple: bool = False, temperature: float = 1.0) -> Head:
    weight = np.array([[1, 0], [0, 1], [-1, -1]], np.float32)
    return Head(weight, np.array([0, 0.5, 0], np.float32), multiple, temperature)


X = np.array([[2, 0], [0, 3]], np.float32)


def test_logits_are_the_linear_layers() -> None:
    assert head().logits(X).tolist() == [[2, 0.5, -2], [0, 3.5, -3]]


def test_probabilities_of_single_choice_add_up_to_1() -> None:
    assert head().predict(X).sum(axis=1) == pytest.approx([1, 1])


def test_probabilities_of_multiple_choice_are_each_for_itself() -> None:
    probabilities = head(multiple=True).predict(X)
    assert probabilities[0] == pytest.approx(1 / (1 + np.exp(-np.array([2, 0.5, -2]))))


def test_extreme_logits_do_not_overflow() -> None:
    with np.errstate(all="raise"):
        assert activate(np.array([[1e4, -1e4]]), True).tolist() == [[1, 0]]
    assert activate(np.array([[1e4, -1e4]]), False).tolist() == [[1, 0]]


def test_a_temperature_changes_the_confidence_and_not_the_prediction() -> None:
    sure, unsure = head().predict(X), head(temperature=3).predict(X)
    assert (sure.argmax(axis=1) == unsure.argmax(axis=1)).all()
    assert (unsure.max(axis=1) < sure.max(axis=1)).all()


@pytest.mark.parametrize("multiple", [False, True])
def test_a_head_comes_back_from_its_file(multiple: bool) -> None:
    kept = head(multiple, 1.5)
    read = Head.from_bytes(kept.to_bytes())
    assert np.array_equal(read.weight, kept.weight)
    assert np.array_equal(read.bias, kept.bias)
    assert (read.multiple, read.temperature) == (multiple, 1.5)


def test_a_fresh_head_follows_from_its_seed() -> None:
    one, same, other = (Head.fresh(3, 16, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.weight, same.weight)
    assert not np.array_equal(one.weight, other.weight)
    assert np.abs(one.weight).max() <= 16**-0.5


def test_rows_of_labels_that_stay_are_kept() -> None:
    changed = head().with_labels(["a", "b", "c"], ["c", "new", "a"], seed=0)
    assert np.array_equal(changed.weight[[0, 2]], head().weight[[2, 0]])
    assert changed.bias[[0, 2]].tolist() == [0, 0]
