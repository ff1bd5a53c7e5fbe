"""Wrong labels come first."""

import numpy as np

from annolooop.model.heads.fit import Targets
from annolooop.model.heads.head import Array
from annolooop.model.judging.label_errors import doubt_labels, find_overlaps

Set = tuple[Array, Targets]


def test_planted_errors_are_ranked_first_and_what_it_is_is_suggested(digits: Set) -> None:
    x, truth = digits[0][:300], digits[1][:300]
    wrong = np.random.default_rng(1).permutation(300)[:15]
    targets = truth.copy()
    targets[wrong] = np.roll(truth[wrong], 3, axis=1)
    found = doubt_labels(x, targets, False, 0)
    assert found is not None
    first = np.argsort(found.confidence)[:15]
    assert len(set(first) & set(wrong)) >= 12
    assert (found.suggested[wrong] == truth[wrong]).all(axis=1).mean() >= 0.8
    pairs = {(a, b) for a, b, _ in find_overlaps(found, targets)}
    planted = {tuple(sorted((c, (c + 3) % 10))) for c in truth[wrong].argmax(axis=1)}
    assert len(pairs & planted) >= 0.8 * len(planted)


def test_a_wrong_label_of_several_is_named(digits: Set) -> None:
    x, truth = digits[0][:300], digits[1][:300]
    several = np.column_stack([truth[:, :4].any(axis=1), truth[:, 2:7].any(axis=1)])
    targets = several.copy()
    wrong = np.random.default_rng(2).permutation(300)[:10]
    targets[wrong, 1] ^= True
    found = doubt_labels(x, targets, True, 0)
    assert found is not None
    assert len(set(np.argsort(found.confidence)[:10]) & set(wrong)) >= 7
    assert (found.suggested[wrong] == several[wrong]).all(axis=1).mean() >= 0.7
