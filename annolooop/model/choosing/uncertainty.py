"""How unsure the head is of each candidate: one number each, the higher the less sure.

Of a multiple choice each label is a question of its own.
"""

from collections.abc import Iterator

import numpy as np

from annolooop.model.choosing.pool import Pool, Probabilities

TINY_PROBABILITY = 1e-12


def random(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Any order: what every strategy has to be better than."""
    yield from rng.permutation(len(pool.embeddings)).tolist()


def least_confidence(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Lowest probability of what is predicted (Lewis & Gale 1994)."""
    yield from _highest(doubt(_predicted(pool), pool.multiple))


def margin(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Smallest gap between the two most probable labels (Scheffer, Decomain & Wrobel 2001)."""
    yield from _highest(ambiguity(_predicted(pool), pool.multiple))


def entropy(pool: Pool, count: int, rng: np.random.Generator) -> Iterator[int]:
    """Highest entropy of what is predicted (Shannon 1948; Settles 2009)."""
    yield from _highest(summed_entropy(_predicted(pool), pool.multiple))


def doubt(predicted: Probabilities, multiple: bool) -> Probabilities:
    """(n,) 1 less the probability of all that is predicted."""
    if multiple:
        return np.asarray(1 - np.maximum(predicted, 1 - predicted).prod(axis=1))
    return np.asarray(1 - predicted.max(axis=1))


def ambiguity(predicted: Probabilities, multiple: bool) -> Probabilities:
    """(n,) 1 less the margin: the gap between the two most probable answers.

    Of a multiple choice, the gap between yes and no of the label where it is smallest.
    """
    if multiple:
        return np.asarray(1 - np.abs(2 * predicted - 1).min(axis=1))
    if predicted.shape[1] < 2:
        return np.zeros(len(predicted))
    two = np.partition(predicted, -2, axis=1)[:, -2:]
    return np.asarray(1 - (two[:, 1] - two[:, 0]))


def summed_entropy(predicted: Probabilities, multiple: bool) -> Probabilities:
    """(n,) entropy in nats; of a multiple choice, the sum over the labels."""
    bits = -predicted * np.log(predicted.clip(TINY_PROBABILITY))
    if multiple:
        bits -= (1 - predicted) * np.log((1 - predicted).clip(TINY_PROBABILITY))
    return np.asarray(bits.sum(axis=1))


def _predicted(pool: Pool) -> Probabilities:
    assert pool.probabilities is not None
    return pool.probabilities


def _highest(scores: Probabilities) -> Iterator[int]:
    yield from np.argsort(-scores, kind="stable").tolist()
