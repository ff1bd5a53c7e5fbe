"""How far off the report is about the labels that a target still takes.

Measured: `--draws` times, heads learn from 100, 200, 400 and 800 images of a set, and from two and
four times as many, as far as it has them. What the larger ones reach on the set's test images is
the target of the smaller ones. An accuracy is measured on a holdout of a quarter of the labels
(of 50 at least), the learning curve on the labels, as `dataset curve` does without a large holdout.

1. Ranges that hold the labels that it took, over all ranges. A range without an upper end holds
   all above its lower one.
2. The likely labels in all over those that it took: the median of those that are not beyond four
   times the labels; how many are is beside it.

Which images: see `features.py`.

Run it: python benchmarks/target.py [--images DIR ...] [--weights FILE] [--backbone NAME]
            [--kept FOLDER] [--draws N] [--most N] [--record FILE]

Exit status: 0 when 95 % of the ranges hold in each set.
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np
from features import Photos, add_photos, read_photos
from figures import Figure, add_record, tell

from annolooop.domain.versions import Estimate
from annolooop.model.heads.fit import all_correct, fit_head
from annolooop.model.heads.interval import wilson
from annolooop.model.judging.curve import forecast, measure_curve
from annolooop.model.judging.target import FARTHEST, Range, labels_to_target

AIM = 0.95
LABELS, TIMES = (100, 200, 400, 800), (2, 4)
SMALLEST, SHARE = 50, 4  # images of a holdout; labels for one of them


def main() -> int:
    """Measure all sets, and print the figures."""
    args = _arguments()
    figures = []
    for photos in read_photos(args):
        found = list(measure(photos, args.draws, args.most))
        held = sum(
            (r.low is not None and r.low <= took) and (r.high is None or took <= r.high)
            for _, took, r in found
        )
        upper = sum(r.high is not None for _, _, r in found)
        totals = [(r.value + n) / (took + n) for n, took, r in found if r.value is not None]
        far = len(found) - len(totals)
        what = f"target, {photos.name}, from {LABELS[0]} to {min(LABELS[-1], args.most)} labels"
        figures += [
            Figure(
                what,
                "ranges that hold the labels that it took, over all",
                f"{held} of {len(found)}, {upper} of them with an upper end",
                held / len(found),
                AIM,
            ),
            Figure(
                what,
                "likely labels in all over those that it took, median",
                f"{far} of {len(found)} beyond {FARTHEST} times",
                float(np.median(totals)) if totals else 0.0,
            ),
        ]
    return tell(figures, args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Labels until a target, foreseen and taken.")
    add_photos(parser)
    parser.add_argument("--draws", type=int, default=6, metavar="N", help="default: 6")
    parser.add_argument("--most", type=int, default=800, metavar="N", help="default: 800")
    add_record(parser)
    return parser.parse_args()


def measure(photos: Photos, draws: int, most: int) -> Iterator[tuple[int, int, Range]]:
    """Labels that there were, more labels that it took, and the range that was foreseen."""
    test = np.flatnonzero(photos.test)
    for seed in range(draws):
        pool = np.random.default_rng(seed).permutation(np.flatnonzero(~photos.test))

        def correct(n: int, images: "np.ndarray", pool: "np.ndarray" = pool) -> float:
            head = fit_head(photos.x[pool[:n]], photos.targets(pool[:n]), False, 0).head
            given = photos.targets(images)
            return float(all_correct(head.predict(photos.x[images]), given, False).mean())

        for n in (n for n in LABELS if n <= most):
            held = pool[-max(SMALLEST, n // SHARE) :]
            reached = correct(n, held)
            accuracy = Estimate(reached, *wilson(round(reached * len(held)), len(held)))
            x, targets = photos.x[pool[:n]], photos.targets(pool[:n])
            measured = measure_curve(x, targets, False, 0, None)
            expected, now = forecast(measured, n, 0), correct(n, test)
            at_curve = measured[-1].accuracy.value or 0.0
            for times in TIMES:
                if times * n > len(pool) - len(held):
                    continue
                target = correct(times * n, test)
                if now < target < 1:
                    yield (
                        n,
                        (times - 1) * n,
                        labels_to_target(target, n, accuracy, at_curve, expected.gain),
                    )


if __name__ == "__main__":
    sys.exit(main())
