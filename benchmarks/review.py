"""How many wrong labels `dataset review` puts first.

Measured: `--labels` images of a set are drawn, 5 % of their labels are replaced by other ones,
drawn; the images are ranked as `dataset review` ranks them. The figure is the share of the replaced
labels among as many first ones (mean of `--seeds`). Beside it: among twice as many; and what
other ranks reach: self-confidence of one cross-validation (the usual way) and of several, its
margin before the best other label, that of the logits, the labels of the nearest images alone.

What a set has of wrong labels by itself counts as found in vain, as nobody knows of them here.

Which images: see `features.py`.

Run it: python benchmarks/review.py [--images DIR ...] [--weights FILE] [--backbone NAME]
            [--kept FOLDER] [--labels N] [--seeds N] [--record FILE]

Exit status: 0 when three quarters are
found in each set.
"""

import argparse
import sys
from collections import defaultdict

import numpy as np
from features import Photos, add_photos, read_photos
from figures import Figure, add_record, tell
from numpy.typing import NDArray

from annolooop.model.heads.calibration import fit_temperature
from annolooop.model.heads.fit import Targets, fit_head, out_of_fold_logits
from annolooop.model.heads.head import Array, activate
from annolooop.model.judging.label_errors import FOLDS, REPEATS, doubt_labels, of_neighbours

WRONG = 0.05
AIM = 0.75
OURS = "as ranked"
ROW = "{:<10} {:<40} {:>8} {:>8} {:>12}"


def main() -> int:
    """Measure all sets, and print a table and the figures."""
    args = _arguments()
    figures = []
    print(ROW.format("set", "rank", "in k", "in 2 k", "worst seed"))
    for photos in read_photos(args):
        found = measure(photos, args.labels, args.seeds)
        for rank, shares in found.items():
            first, twice = np.mean(shares, axis=0)
            worst = min(share for share, _ in shares)
            print(ROW.format(photos.name, rank, f"{first:.1%}", f"{twice:.1%}", f"{worst:.1%}"))
        share = float(np.mean([first for first, _ in found[OURS]]))
        wrong = round(WRONG * args.labels)
        figures.append(
            Figure(
                f"review, {photos.name}, {wrong} of {args.labels} labels replaced",
                f"replaced labels among the first {wrong} over all of them",
                f"{share * wrong:.1f} of {wrong}, mean of {args.seeds} seeds",
                share,
                AIM,
            )
        )
    return tell(figures, args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Planted label errors that are ranked first.")
    add_photos(parser)
    parser.add_argument("--labels", type=int, default=500, metavar="N", help="default: 500")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="default: 5")
    add_record(parser)
    return parser.parse_args()


def measure(photos: Photos, labels: int, seeds: int) -> dict[str, list[tuple[float, float]]]:
    """Rank -> for each seed, the share found among the first k and the first 2 k."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(photos.y))[:labels]
        targets = photos.targets(rows)
        wrong = rng.permutation(labels)[: round(WRONG * labels)]
        for row in wrong:
            others = np.flatnonzero(~targets[row])
            targets[row] = np.arange(len(photos.labels)) == rng.choice(others)
        for rank, doubt in ranks(photos.x[rows], targets, seed).items():
            order = np.argsort(doubt, kind="stable")
            k = len(wrong)
            first, twice = (len(set(order[: k * n]) & set(wrong)) / k for n in (1, 2))
            found[rank].append((first, twice))
    return found


def ranks(x: Array, targets: Targets, seed: int) -> dict[str, NDArray[np.float64]]:
    """Confidence in each label, by each way to tell it."""
    ours = doubt_labels(x, targets, False, seed)
    logits = fit_head(x, targets, False, seed).out_of_fold
    several = out_of_fold_logits(x, targets, False, seed, FOLDS, REPEATS)
    assert ours is not None
    assert logits is not None
    assert several is not None
    one = activate(logits / fit_temperature(logits, targets, False), False)
    mean = np.mean(
        [activate(out / fit_temperature(out, targets, False), False) for out in several], axis=0
    )
    return {
        OURS: ours.confidence,
        "self-confidence, one cross-validation": one[targets],
        "self-confidence, several": mean[targets],
        "margin, several": mean[targets] - np.where(targets, 0, mean).max(axis=1),
        "margin of logits, one": logits[targets] - np.where(targets, -np.inf, logits).max(axis=1),
        "labels of the nearest": of_neighbours(x, targets, False)[targets],
    }


if __name__ == "__main__":
    sys.exit(main())
