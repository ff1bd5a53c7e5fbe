"""Replay the labelling of images whose labels are known: accuracy against labels, by strategy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.progress import Track
from annolooop.model.choosing.choose import choose
from annolooop.model.choosing.pool import CANDIDATES, Pool, Targets
from annolooop.model.heads.calibration import calibrate, with_temperature
from annolooop.model.heads.fit import all_correct, fit_head, learnable
from annolooop.model.heads.head import Array, Head
from annolooop.model.judging.duplicates import near_limit
from annolooop.model.numeric import Indices

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ReplayImages:
    """Embeddings with their labels, one label each.

    Attributes:
        pool: (n, d) float32, of images that may be asked about.
        targets: (n, k) bool, what people would answer.
        test: (t, d), of images that are never asked about.
        truth: (t, k).
    """

    pool: Array
    targets: Targets
    test: Array
    truth: Targets


@dataclass(frozen=True)
class ReplayPlan:
    """How to replay.

    Attributes:
        query: labels a round.
        budget: labels in all.
        seeds: each is one replay of a strategy.
    """

    query: int = 20
    budget: int = 500
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Curve:
    """Replays of one strategy.

    Attributes:
        labels: (r,), after each round.
        accuracy: (s, r), on the test images, of each seed.
    """

    labels: Numbers
    accuracy: Numbers

    @property
    def mean(self) -> Numbers:
        """(r,) over the seeds."""
        return np.asarray(self.accuracy.mean(axis=0))

    @property
    def error(self) -> Numbers:
        """(r,) standard errors over the seeds; 0 where there is one seed."""
        return standard_error(self.accuracy)

    def at(self, labels: float) -> Numbers:
        """(s,) accuracies at a number of labels, on straight lines between rounds."""
        rows = [np.interp(labels, self.labels, row) for row in self.accuracy]
        return np.asarray(rows, np.float64)


def replays(
    images: ReplayImages, strategies: Sequence[str], plan: ReplayPlan, track: Track
) -> Mapping[str, Curve]:
    """The curve of each strategy; the same seeds lead to the same curves."""
    steps = len(strategies) * len(plan.seeds) * rounds(images, plan)
    progress = iter(track(range(steps), "simulate", steps))
    near = near_limit(images.pool)
    curves: dict[str, Curve] = {}
    for name in strategies:
        runs = []
        for seed in plan.seeds:
            run = []
            for point in replay(images, name, seed, plan, near):
                run.append(point)
                next(progress)
            runs.append(run)
        last = min(len(run) for run in runs)  # duplicates are asked about once: a pool may end
        labels = np.array([labels for labels, _ in runs[0][:last]], np.float64)
        curves[name] = Curve(labels, np.array([[a for _, a in run[:last]] for run in runs]))
    next(progress, None)
    return curves


def rounds(images: ReplayImages, plan: ReplayPlan) -> int:
    """Rounds until the budget is spent, or the pool is empty."""
    return -(-min(plan.budget, len(images.pool)) // plan.query)


def replay(
    images: ReplayImages, strategy: str, seed: int, plan: ReplayPlan, near: float
) -> Iterator[tuple[int, float]]:
    """Ask, train, ask again: labels so far and accuracy on the test images after each round.

    The head is fitted as ``train --rerun`` fits it.
    """
    labelled: Indices = np.zeros(0, np.intp)
    left: Indices = np.arange(len(images.pool))
    head, accuracy, correct = None, None, 0.0
    for number in range(rounds(images, plan)):
        pool = _pool(images, labelled, left, head, accuracy, near)
        count = min(plan.query, plan.budget - len(labelled))
        chosen = left[choose(strategy, pool, count, seed * 10_007 + number).order]
        if not len(chosen):
            return
        labelled, left = np.append(labelled, chosen), np.setdiff1d(left, chosen)
        targets = images.targets[labelled]
        if learnable(targets, False):
            head, accuracy = _fit(images.pool[labelled], targets, seed)
            predictions = head.predict(images.test)
            correct = float(all_correct(predictions, images.truth, False).mean())
        else:  # the one label there is, is predicted for all
            correct = float(images.truth[:, targets.any(axis=0)].mean())
        yield len(labelled), correct


def _fit(vectors: Array, targets: Targets, seed: int) -> tuple[Head, float | None]:
    """A calibrated head, and its accuracy as cross-validated, where there are enough."""
    fitted = fit_head(vectors, targets, False, seed)
    calibration = None
    if fitted.out_of_fold is not None:
        calibration = calibrate(fitted.out_of_fold, targets, False, seed)
    head = fitted.head
    if calibration:
        head = with_temperature(head, calibration["temperature"])
    return head, fitted.figures.get("accuracy")


def _pool(
    images: ReplayImages,
    labelled: Indices,
    left: Indices,
    head: Head | None,
    accuracy: float | None,
    near: float,
) -> Pool:
    vectors = images.pool[left[:CANDIDATES]]
    return Pool(
        vectors,
        head.predict(vectors) if head else None,
        images.pool[labelled],
        images.targets[labelled],
        False,
        accuracy,
        near,
    )


def standard_error(rows: Numbers) -> Numbers:
    """(r,) of the means of (s, r) rows."""
    if len(rows) < 2:
        return np.zeros(rows.shape[1:])
    return np.asarray(rows.std(axis=0, ddof=1) / np.sqrt(len(rows)))


def reached(labels: Numbers, accuracy: Numbers, target: float) -> float | None:
    """Labels at which a curve, (r,), first reaches an accuracy; ``None`` where it never does."""
    enough = np.flatnonzero(accuracy >= target)
    if not len(enough):
        return None
    at = int(enough[0])
    if at == 0:
        return float(labels[0])
    low, high = accuracy[at - 1], accuracy[at]
    share = (target - low) / (high - low)
    return float(labels[at - 1] + share * (labels[at] - labels[at - 1]))


def share_of(curve: Curve, baseline: Curve, labels: float) -> tuple[float | None, float]:
    """Which share of the baseline's labels a strategy needs for the baseline's accuracy there.

    Computed from the curves of means, as the first crossing of a single curve is too early by
    its noise. The standard error is the jackknife's over the seeds (Tukey 1958), which both share.

    Returns:
        The share, ``None`` where the strategy never gets there; and its standard error.
    """
    seeds = range(len(curve.accuracy))

    def share_without(left_out: int | None) -> float | None:
        kept = [seed for seed in seeds if seed != left_out]
        target = float(baseline.at(labels)[kept].mean())
        needed = reached(curve.labels, curve.accuracy[kept].mean(axis=0), target)
        return None if needed is None else needed / labels

    whole = share_without(None)
    if whole is None or len(seeds) < 2:
        return whole, 0.0
    parts = [share_without(seed) for seed in seeds]
    # Where one of them never gets there, as if it did with the last label.
    filled = np.array([curve.labels[-1] / labels if p is None else p for p in parts])
    n = len(filled)
    return whole, float(np.sqrt((n - 1) / n * ((filled - filled.mean()) ** 2).sum()))
