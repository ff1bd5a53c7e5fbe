"""The head: fitted to convergence, the same for the same inputs."""

from dataclasses import replace

import numpy as np
import pytest

from annolooop.model.heads.fit import all_correct, fit_head, learnable
from annolooop.model.heads.head import Head, activate
from annolooop.model.heads.interval import wilson


def one_hot(targets: list[int], labels: int) -> np.ndarray:
    return np.eye(labels, dtype=bool)[targets]


def clouds(counts: list[int], dim: int = 64, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (len(counts), dim))
    targets = [k for k, n in enumerate(counts) for _ in range(n)]
    x = centres[targets] + rng.normal(0, 1.5, (len(targets), dim))
    return x.astype(np.float32), targets


@pytest.mark.parametrize("counts", [[30, 30], [25, 10, 40]])
def test_head_learns_what_can_be_learnt(counts: list[int]) -> None:
    x, y = clouds(counts)
    head, figures, _ = fit_head(x, one_hot(y, len(counts)), False, 0)
    probabilities = head.predict(x)
    assert (probabilities.argmax(axis=1) == y).mean() > 0.95
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert figures["accuracy"] > 0.9
    assert figures["folds"] == 5


def test_out_of_fold_logits_are_those_of_the_figures() -> None:
    x, y = clouds([25, 10, 40])
    head, figures, out = fit_head(x, one_hot(y, 3), False, 0)
    assert out is not None
    assert (out.argmax(axis=1) == y).mean() == figures["accuracy"]
    assert not np.allclose(activate(out, False), head.predict(x), atol=1e-3)
    assert fit_head(x, one_hot(y, 3), False, 0, figures["C"]).out_of_fold is None


def test_temperature_softens_what_a_head_says() -> None:
    x, y = clouds([20, 20])
    head = fit_head(x, one_hot(y, 2), False, 0).head
    soft = Head.from_bytes(replace(head, temperature=2.0).to_bytes())
    assert soft.temperature == 2
    assert np.array_equal(soft.predict(x).argmax(axis=1), head.predict(x).argmax(axis=1))
    assert soft.predict(x).max(axis=1).mean() < head.predict(x).max(axis=1).mean()
    assert np.allclose(soft.logits(x), head.logits(x))


def test_same_inputs_give_the_same_head() -> None:
    x, y = clouds([12, 12])
    first, second = (fit_head(x, one_hot(y, 2), False, 7)[0].to_bytes() for _ in range(2))
    assert first == second


def test_two_labels_of_one_example_each_are_enough() -> None:
    x, y = clouds([1, 1])
    head, figures, _ = fit_head(x, one_hot(y, 2), False, 0)
    assert head.predict(x).argmax(axis=1).tolist() == [0, 1]
    assert set(figures) == {"C"}


def test_one_label_alone_is_always_predicted() -> None:
    x, y = clouds([0, 12])
    for rows in (slice(None), slice(1)):
        head, figures, _ = fit_head(x[rows], one_hot(y[rows], 3), False, 0)
        assert head.predict(x).argmax(axis=1).tolist() == y
        assert set(figures) == {"C"}


def test_label_without_examples_is_never_predicted() -> None:
    x, y = clouds([20, 20])
    head, *_ = fit_head(x, one_hot([2 * k for k in y], 3), False, 0)
    assert set(head.predict(x * 3).argmax(axis=1).tolist()) <= {0, 2}


def test_head_comes_back_from_its_file() -> None:
    head = Head.fresh(3, 8, 1)
    again = Head.from_bytes(head.to_bytes())
    assert np.array_equal(again.weight, head.weight)
    assert np.array_equal(again.bias, head.bias)


def test_wilson_interval() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.49, 0.943)
    assert wilson(10, 10)[1] == 1.0
    with pytest.raises(ValueError, match="at least one"):
        wilson(0, 0)


def test_multiple_choice_learns_each_label_for_itself() -> None:
    rng = np.random.default_rng(0)
    targets = rng.random((120, 3)) < [0.5, 0.2, 0.0]  # nobody ever chose the third
    x = (targets @ rng.normal(0, 2, (3, 16)) + rng.normal(0, 0.5, (120, 16))).astype(np.float32)
    head, figures, _ = fit_head(x, targets, True, 0)
    predictions = head.predict(x)
    assert all_correct(predictions, targets, True).mean() > 0.95
    assert predictions[:, 2].max() < 0.01
    assert not np.allclose(predictions.sum(axis=1), 1)
    assert figures["accuracy"] > 0.9
    again = Head.from_bytes(head.to_bytes())
    assert again.multiple
    assert np.array_equal(again.predict(x), predictions)


def test_multiple_choice_with_a_handful_of_examples() -> None:
    x, _ = clouds([2, 2])
    head, figures, _ = fit_head(x, np.array([[1, 1], [1, 0], [1, 0], [1, 0]], bool), True, 0)
    predictions = head.predict(x)
    assert figures == {"C": 0.1}
    assert (predictions[:, 0] > 0.5).all()  # a label that all have


def test_what_teaches_a_difference() -> None:
    assert learnable(one_hot([0, 1], 2), False)
    assert not learnable(one_hot([1, 1], 2), False)
    assert not learnable(one_hot([1, 1], 2), True)
    assert learnable(np.array([[1, 0], [1, 1]], bool), True)
    assert not learnable(np.zeros((0, 2), bool), False)


def test_head_for_other_labels_keeps_the_rows_that_stay() -> None:
    head = Head.fresh(2, 8, 1)
    wider = head.with_labels(["a", "b"], ["new", "b", "a"], 5)
    assert np.array_equal(wider.weight[1:], head.weight[::-1])
    assert np.array_equal(wider.bias[1:], head.bias[::-1])
    assert wider.weight[0].any()
