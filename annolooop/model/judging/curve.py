"""What more labels would bring: accuracy at shares of the labels, and a power law through it.

The error falls with the labels about as ``b * n ** -c``. At every share a head is fitted on some of
the labelled images and judged by images that it did not learn from, always the same ones, so that
shares can be compared. How far a forecast from so few points may be off does not follow from the
points alone, and is kept as wide as it was measured (``ROOM``): 8 points either way with 100
labels, 4.6 with 200, 2.6 with 400, 1.3 with 1,000. On photographs of clothes and of rubbish and on
digits, the worst of twelve forecasts for each was off by 5.9 points from 100 labels, 2.0 from 200,
2.5 from 400 and 1.7 from 700 (MobileNetV2; the digits in pixels; six draws, judged both ways).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.versions import Estimate
from annolooop.model.heads.fit import Targets, all_correct, fit_head
from annolooop.model.heads.head import Array

SHARES = (0.25, 0.5, 0.75, 1.0)
DRAWS = 3  # subsamples of a share
FOLDS = 5  # where there is no holdout to judge by
FORECAST_TIMES = 2.0  # times as many labels: what is forecast
BOOTSTRAP = 500
ROOM, NARROWS = 0.08, 0.8  # half-width of a gain's interval at 100 labels, and how it narrows
SURELY = 0.005  # error below which nothing is left to learn
Z = 1.96


@dataclass(frozen=True)
class Measured:
    """One share.

    Attributes:
        share: of the labels.
        labels: how many were trained on.
        correct: (draws, n) bool, which images each head predicts correctly; the same images at
            each share.
    """

    share: float
    labels: int
    correct: NDArray[np.bool_]

    @property
    def accuracy(self) -> Estimate:
        """Mean over the draws; the band holds which images judge, and which labels were drawn."""
        each = self.correct.mean(axis=1)
        value = float(each.mean())
        chance = value * (1 - value) / self.correct.shape[1]
        drawn = float(each.var(ddof=1)) if len(each) > 1 else 0.0
        half = Z * float(np.sqrt(chance + drawn))
        return Estimate(value, max(0.0, value - half), min(1.0, value + half))


@dataclass(frozen=True)
class Forecast:
    """What is expected with more labels.

    Attributes:
        labels: in all.
        accuracy: that is expected then.
        gain: as against all labels that there are, in shares of 1.
    """

    labels: int
    accuracy: Estimate
    gain: Estimate


def measure_curve(
    x: Array,
    targets: Targets,
    multiple: bool,
    seed: int,
    judges: tuple[Array, Targets] | None,
    track: Callable[[range], Iterator[int]] = iter,
) -> list[Measured]:
    """Accuracy at a quarter, a half, three quarters of the labels, and at all of them.

    Args:
        x: (n, d) float32, embeddings of what is trained on.
        targets: (n, k) bool, their labels.
        multiple: images may have any number of labels.
        seed: of the subsamples.
        judges: embeddings and labels of images to judge by; without, each fifth of the images is
            judged by heads that learn from shares of the others.
        track: passes numbers of shares through while it shows how far it is.
    """
    found = []
    for number in track(range(len(SHARES))):
        share = SHARES[number]
        draws = 1 if share == 1 else DRAWS
        rows = [_judge(x, targets, multiple, share, (seed, draw), judges) for draw in range(draws)]
        labels = int(np.mean([trained_on for trained_on, _ in rows]))
        found.append(Measured(share, labels, np.array([correct for _, correct in rows])))
    return found


def _judge(
    x: Array,
    targets: Targets,
    multiple: bool,
    share: float,
    seed: tuple[int, int],
    judges: tuple[Array, Targets] | None,
) -> tuple[int, NDArray[np.bool_]]:
    """How many labels a head was trained on, and which images it predicts correctly."""
    rng = np.random.default_rng(seed)
    order = targets.argmax(axis=1) if not multiple else targets @ np.arange(targets.shape[1])
    if judges is not None:
        some = _spread(order, np.arange(len(x)), share, rng)
        head = fit_head(x[some], targets[some], multiple, seed[0]).head
        return len(some), all_correct(head.predict(judges[0]), judges[1], multiple)
    correct, trained_on = np.zeros(len(x), bool), 0
    folds = np.empty(len(x), int)
    folds[_spread(order, np.arange(len(x)), 1.0, np.random.default_rng(seed[0]))] = (
        np.arange(len(x)) % FOLDS
    )
    for fold in range(FOLDS):
        out = folds == fold
        some = _spread(order, np.flatnonzero(~out), share, rng)
        head = fit_head(x[some], targets[some], multiple, seed[0]).head
        correct[out] = all_correct(head.predict(x[out]), targets[out], multiple)
        trained_on += len(some)
    return trained_on // FOLDS, correct


def _spread(
    order: NDArray[np.int_], rows: NDArray[np.int_], share: float, rng: np.random.Generator
) -> NDArray[np.int_]:
    """A share of some rows, drawn, with about the same share of each label."""
    mixed = rng.permutation(rows)
    mixed = mixed[np.argsort(order[mixed], kind="stable")]
    count = max(1, round(share * len(rows)))
    places = np.floor((np.arange(count) + rng.random()) * len(rows) / count).astype(int)
    return np.asarray(mixed[np.minimum(places, len(rows) - 1)])


def forecast(measured: list[Measured], labels: int, seed: int) -> Forecast:
    """What as many labels again would bring.

    The interval is that of a bootstrap over the judging images, and no narrower than ``ROOM``
    gives. It stays wide with few labels, whatever the points look like.

    Args:
        measured: the shares.
        labels: that there are.
        seed: of the bootstrap.
    """
    n = np.array([m.labels for m in measured], float)
    at = np.array([labels, FORECAST_TIMES * labels])
    mean = np.stack([m.correct.mean(axis=0) for m in measured])  # (shares, images)
    images = mean.shape[1]
    rng, even = np.random.default_rng(seed), np.full(images, 1 / images)
    weights = rng.multinomial(images, even, BOOTSTRAP) / images
    now, then = _law(n, mean.mean(axis=1)[None], at)[0]
    drawn = _law(n, weights @ mean.T, at)
    low, high = np.percentile(drawn[:, 1] - drawn[:, 0], (2.5, 97.5))
    reached = measured[-1].accuracy
    assert reached.value is not None
    likely = max(0.0, float(then - now))
    room, ceiling = ROOM * (100 / labels) ** NARROWS, 1 - reached.value
    gain = Estimate(
        min(likely, ceiling),
        min(float(low), likely - room),
        min(max(float(high), likely + room), ceiling),
    )
    assert gain.value is not None
    assert gain.low is not None
    assert gain.high is not None
    expected = reached.value + gain.value
    below = float(np.hypot(gain.value - gain.low, reached.value - (reached.low or 0.0)))
    above = float(np.hypot(gain.high - gain.value, (reached.high or 1.0) - reached.value))
    accuracy = Estimate(expected, max(0.0, expected - below), min(1.0, expected + above))
    return Forecast(round(FORECAST_TIMES * labels), accuracy, gain)


def _law(
    n: NDArray[np.float64], accuracy: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(rows, at) accuracy by a power law of the error, fitted to each row of (rows, n)."""
    error = np.log(np.maximum(1 - accuracy, SURELY))
    x = np.log(n) - np.log(n).mean()
    slope = (error @ x) / (x @ x)
    start = error.mean(axis=1)
    where = np.log(at) - np.log(n).mean()
    return np.asarray(1 - np.exp(start[:, None] + slope[:, None] * where[None]))
