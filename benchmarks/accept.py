"""Whether a promised precision is kept: what `dataset accept` believes of images it has not seen.

Measured: for each set, promise and draw, `--labels` images are drawn and labelled; a share of
them is the holdout, a head learns from the others, and a threshold is chosen on the holdout as
`dataset accept` does. Its realised precision is that on all other images of the set that are
as sure, whose labels are known here. A draw in which nothing is sure enough keeps its promise.

Over: the 95 % of draws in which it should be kept. Beside it: how often an answer was given, the
mean and the lowest realised precision, the share of the other images that is accepted; and the
same where all thresholds are tried, each with the same exact bound, and the lowest that passes is
taken: that is what the order of the tests is there to avoid. Last, with a threshold for each label
(`--per-label`): then the promise is kept where it is kept for each label of which something is
accepted.

Which images: see `features.py`.

Run it: python benchmarks/accept.py [--images DIR ...] [--weights FILE] [--backbone NAME]
            [--kept FOLDER] [--labels N ...] [--draws N] [--record FILE]

Exit status: 0 when each promise is kept
in 19 of 20 draws.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from features import Photos, add_photos, read_photos
from figures import Figure, add_record, tell
from numpy.typing import NDArray

from annolooop.model.heads.calibration import fit_temperature
from annolooop.model.heads.fit import fit_head
from annolooop.model.heads.head import activate
from annolooop.model.judging.acceptance import (
    CHANCE,
    choose_threshold,
    images_needed,
    lowest_precision,
)

PROMISES = (0.9, 0.95, 0.98)
HOLDOUT = 0.3
KEPT = 0.95  # of the draws

# Confidence, whether it is right, and the place of the label that is predicted.
Sure = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]
Choose = Callable[[NDArray[np.float64], NDArray[np.bool_], float], float | None]


def main() -> int:
    """Measure all sets, and print a table and the figures."""
    args = _arguments()
    figures = []
    print(ROW.format("set", "labels", "promise", "rule", "kept", "given", "mean", "low", "share"))
    for photos in read_photos(args):
        for labels in args.labels:
            draws = [draw(photos, labels, seed) for seed in range(args.draws)]
            for promise in PROMISES:
                ours = outcome(draws, promise, in_order)
                print(ours.row(photos.name, labels, promise, "in order"))
                print(outcome(draws, promise, all_tried).row("", labels, promise, "all tried"))
                told = f"{ours.kept} of {ours.draws} draws, {ours.given} with an answer"
                what = f"accept, {photos.name}, {labels:,} labels, precision {promise:g}"
                share = ours.kept / ours.draws
                aim = "draws that keep the promise over all draws"
                figures.append(Figure(f"{what}, {ours.share:.0%} accepted", aim, told, share, KEPT))
                own = outcome_by_label(draws, promise, len(photos.labels))
                print(own.row("", labels, promise, "per label"))
                told = f"{own.kept} of {own.draws} draws, {own.given} with an answer"
                share, what = own.kept / own.draws, f"{what}, per label"
                figures.append(Figure(f"{what}, {own.share:.0%} accepted", aim, told, share, KEPT))
    return tell(figures, args.record)


ROW = "{:<10} {:>6} {:>7} {:<9} {:>6} {:>5} {:>6} {:>6} {:>6}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Promised and realised precision.")
    add_photos(parser)
    parser.add_argument("--labels", type=int, nargs="+", default=[500, 1000], metavar="N")
    parser.add_argument("--draws", type=int, default=20, help="default: 20")
    add_record(parser)
    return parser.parse_args()


def draw(photos: Photos, labels: int, seed: int) -> tuple[Sure, Sure]:
    """What a head that learnt from a sample says of the holdout, and of all other images."""
    order = np.random.default_rng(seed).permutation(len(photos.y))
    held, learn = np.split(order[:labels], [round(HOLDOUT * labels)])
    fitted = fit_head(photos.x[learn], photos.targets(learn), False, seed)
    temperature = 1.0
    if fitted.out_of_fold is not None:
        temperature = fit_temperature(fitted.out_of_fold, photos.targets(learn), False)

    def sure(rows: NDArray[np.int64]) -> Sure:
        said = activate(fitted.head.logits(photos.x[rows]) / temperature, False)
        predicted = said.argmax(axis=1)
        return said.max(axis=1), predicted == photos.y[rows], predicted

    return sure(held), sure(order[labels:])


def in_order(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], promise: float
) -> float | None:
    """As the program does."""
    return choose_threshold(confidence, right, promise).value


def all_tried(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], promise: float
) -> float | None:
    """The lowest threshold whose own bound is high enough."""
    order = np.argsort(-confidence)
    wrong = np.cumsum(~right[order])
    for n in range(len(order), images_needed(promise) - 1, -1):
        if lowest_precision(int(wrong[n - 1]), n) >= promise:
            return float(confidence[order[n - 1]])
    return None


@dataclass
class Outcome:
    """How a rule fared over the draws."""

    draws: int = 0
    kept: int = 0
    realised: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    @property
    def given(self) -> int:
        """Draws with something accepted."""
        return len(self.realised)

    @property
    def share(self) -> float:
        """Mean share of the other images that is accepted."""
        return float(np.mean(self.shares))

    def row(self, name: str, labels: int, promise: float, rule: str) -> str:
        """A line of the table."""
        mean, low = (
            (f"{np.mean(self.realised):.1%}", f"{min(self.realised):.1%}")
            if self.realised
            else ("", "")
        )
        kept = f"{self.kept}/{self.draws}"
        return ROW.format(
            name, labels, promise, rule, kept, self.given, mean, low, f"{self.share:.1%}"
        )


def outcome(draws: list[tuple[Sure, Sure]], promise: float, choose: Choose) -> Outcome:
    """Hold a rule against the images that it has not seen."""
    found = Outcome()
    for held, (confidence, right, _) in draws:
        value = choose(*held[:2], promise)
        chosen = confidence >= (2.0 if value is None else value)
        found.draws += 1
        found.shares.append(float(chosen.mean()))
        if chosen.any():
            found.realised.append(float(right[chosen].mean()))
        found.kept += not chosen.any() or found.realised[-1] >= promise
    return found


def outcome_by_label(draws: list[tuple[Sure, Sure]], promise: float, labels: int) -> Outcome:
    """The same with a threshold for each label; each must keep the promise."""
    found = Outcome()
    for (held, held_right, held_label), (confidence, right, label) in draws:
        chosen, kept = np.zeros(len(confidence), bool), True
        for one in range(labels):
            own = held_label == one
            chance = CHANCE / labels
            value = choose_threshold(held[own], held_right[own], promise, chance).value
            if value is not None:
                mine = (label == one) & (confidence >= value)
                chosen |= mine
                kept &= not mine.any() or bool(right[mine].mean() >= promise)
        found.draws += 1
        found.shares.append(float(chosen.mean()))
        if chosen.any():
            found.realised.append(float(right[chosen].mean()))
        found.kept += kept
    return found


if __name__ == "__main__":
    sys.exit(main())
