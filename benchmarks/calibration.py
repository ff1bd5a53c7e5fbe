"""What the temperature does to probabilities: calibration error after over before.

Measured: heads as `train --rerun` fits them on frozen embeddings, from 100 and from 200 labels that
are drawn at random, five seeds (0 to 4), on images that were kept for tests. The temperature comes
from the labels themselves (out of fold); the test images only judge.

1. The expected calibration error with the temperature over that without it: the same head, its
   temperature 1. The aim is for this ratio.
2. The same over that of a head that knows of no temperature, when its penalty is chosen either:
   the penalty that is best with one makes a head that is less calibrated without.
3. The same over that of scikit-learn's `LogisticRegression()` on the same embeddings and labels,
   as one would write it by hand.
4. Log loss with the temperature over that of the head of 2.
5. The error with the temperature of the lowest log loss on the test images over that without it:
   about what one number can reach, however it is found.

Ratios are of means over the seeds. The error is `model/reliability.py`'s (15 bins of equal size).
Which images: see `features.py`.

Run it: python benchmarks/calibration.py [--images DIR ...] [--weights FILE] [--backbone NAME]
            [--kept FOLDER] [--labels N ...] [--seeds N] [--record FILE]

Exit status: 0 when the first ratio is at most 0.6 on each set.
"""

import argparse
import sys
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
from features import Photos, add_photos, read_photos
from figures import Figure, add_record, tell
from sklearn.linear_model import LogisticRegression

from annolooop.model.heads.calibration import calibrate, fit_temperature, with_temperature
from annolooop.model.heads.fit import Targets, fit_head
from annolooop.model.heads.head import Probabilities, activate
from annolooop.model.heads.metrics import image_losses
from annolooop.model.heads.reliability import calibration_error

AIM = 0.6
OTHERS = ("best", "unaware", "by hand", "loss", "unaware")
ROW = "{:>6} {:>4} {:>8} {:>11} {:>14} {:>6} {:>8} {:>8} {:>6} {:>8}"
UNAWARE = "a head that knows of no temperature"


class Measured(NamedTuple):
    """Of one draw of labels, on the test images."""

    before: float
    after: float
    best: float
    unaware: float  # of the head that knows of no temperature
    plain: float  # scikit-learn's
    loss_after: float
    loss_unaware: float


def main() -> int:
    """Measure each set, and print its figures."""
    args = _arguments()
    figures: list[Figure] = []
    for data in read_photos(args):
        print(f"{data.name}: {(~data.test).sum()} to draw from, {data.test.sum()} for tests")
        print(ROW.format("labels", "seed", "accuracy", "temperature", "ECE", *OTHERS))
        for count in args.labels:
            measured = [measure(data, count, seed) for seed in range(args.seeds)]
            figures += summarize(data, count, args.seeds, Measured(*np.mean(measured, axis=0)))
    return tell(figures, args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Calibration error after over before.")
    add_photos(parser)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 200], help="100 and 200")
    parser.add_argument("--seeds", type=int, default=5, help="default: 5, from 0 on")
    add_record(parser)
    return parser.parse_args()


def measure(data: Photos, count: int, seed: int) -> Measured:
    """Draw labels, fit, and judge on the test images."""
    pool, test = np.flatnonzero(~data.test), np.flatnonzero(data.test)
    drawn = np.random.default_rng(seed).permutation(pool)[:count]
    targets = data.targets(np.arange(len(data.y)))
    x, truth = data.x[test], targets[test]
    fitted = fit_head(data.x[drawn], targets[drawn], False, seed)
    told = (
        None
        if fitted.out_of_fold is None
        else calibrate(fitted.out_of_fold, targets[drawn], False, seed)
    )
    temperature = told["temperature"] if told else 1.0
    before, after = fitted.head.predict(x), with_temperature(fitted.head, temperature).predict(x)
    logits = fitted.head.logits(x)
    best = activate(logits / fit_temperature(logits, truth, False), False)
    with patch("annolooop.model.heads.fit.MIN_CALIBRATION", sys.maxsize):  # too few, for the choice
        unaware = fit_head(data.x[drawn], targets[drawn], False, seed).head.predict(x)
    losses = [float(image_losses(said, truth, False).mean()) for said in (after, unaware)]
    by_hand = LogisticRegression(max_iter=5000).fit(data.x[drawn], data.y[drawn])
    plain = np.full(truth.shape, 1e-9)
    plain[:, by_hand.classes_] = by_hand.predict_proba(x)
    errors = [_error(said, truth) for said in (before, after, best, unaware, plain)]
    accuracy = float((after.argmax(axis=1) == data.y[test]).mean())
    change = f"{errors[0]:.3f} -> {errors[1]:.3f}"
    cells = [f"{number:.3f}" for number in (*errors[2:], *losses)]
    print(ROW.format(count, seed, f"{accuracy:.3f}", f"{temperature:.2f}", change, *cells))
    return Measured(*errors, *losses)


def _error(said: Probabilities, truth: Targets) -> float:
    found = calibration_error(said, truth, False, 0).value
    assert found is not None
    return found


def summarize(data: Photos, count: int, seeds: int, mean: Measured) -> list[Figure]:
    """The ratios of the means."""
    name = f"{data.name}, {count} labels, mean of {seeds} seeds"
    error = "calibration error with the temperature over"

    def ratio(over: str, one: float, other: float, target: float | None = None) -> Figure:
        values = f"{one:.3f} over {other:.3f}"
        return Figure(name, over, values, one / other, target, at_least=False)

    return [
        ratio(f"{error} that without", mean.after, mean.before, AIM),
        ratio(f"{error} that of {UNAWARE}", mean.after, mean.unaware),
        ratio(f"{error} that of scikit-learn's LogisticRegression()", mean.after, mean.plain),
        ratio(f"log loss with it over that of {UNAWARE}", mean.loss_after, mean.loss_unaware),
        ratio("calibration error at best over that without", mean.best, mean.before),
    ]


if __name__ == "__main__":
    sys.exit(main())
