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
`--images` names a folder with a folder of images for each label; or one with folders `train`,
`validation` and `test` of such folders. Without a `test` folder, a quarter of the images is for
tests, by a hash of their content. Without `--images`: scikit-learn's 1,797 handwritten digits as
raw pixels.

Run it: python benchmarks/calibration.py [--images DIR ...] [--weights FILE] [--backbone NAME]
            [--kept FOLDER] [--labels N ...] [--seeds N] [--record FILE]

Exit status: 0 when the first ratio is at most 0.6 on each set.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
from figures import Figure, add_record, tell
from finetune import embed
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from annolooop.model.calibration import calibrate, fit_temperature, with_temperature
from annolooop.model.classifier import build_backbone
from annolooop.model.fit import Targets, fit_head
from annolooop.model.head import Probabilities, activate
from annolooop.model.metrics import image_losses
from annolooop.model.reliability import calibration_error
from annolooop.model.transforms import EvalTransform
from annolooop.model.weights import read_state
from annolooop.storage.dataset import split_of

AIM = 0.6
OTHERS = ("best", "unaware", "by hand", "loss", "unaware")
TEST = 0.25  # share of images for tests where no folder is named so
ROW = "{:>6} {:>4} {:>8} {:>11} {:>14} {:>6} {:>8} {:>8} {:>6} {:>8}"
UNAWARE = "a head that knows of no temperature"


class Set(NamedTuple):
    """Embedded images: (n, d), the number of each one's label, and which are for tests."""

    name: str
    x: NDArray[np.float32]
    y: NDArray[np.int_]
    test: NDArray[np.bool_]


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
    for data in read_sets(args) if args.images else [digits()]:
        print(f"{data.name}: {(~data.test).sum()} to draw from, {data.test.sum()} for tests")
        print(ROW.format("labels", "seed", "accuracy", "temperature", "ECE", *OTHERS))
        for count in args.labels:
            measured = [measure(data, count, seed) for seed in range(args.seeds)]
            figures += summarize(data, count, args.seeds, Measured(*np.mean(measured, axis=0)))
    return tell(figures, args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Calibration error after over before.")
    parser.add_argument("--images", type=Path, action="append", default=[], help="repeatable")
    parser.add_argument("--weights", type=Path, help="of the backbone, for --images")
    parser.add_argument("--backbone", default="mobilenet_v2", help="default: mobilenet_v2")
    parser.add_argument("--kept", type=Path, help="where embeddings are kept; default: nowhere")
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 200], help="100 and 200")
    parser.add_argument("--seeds", type=int, default=5, help="default: 5, from 0 on")
    add_record(parser)
    args = parser.parse_args()
    if args.images and not args.weights:
        parser.error("--images needs --weights FILE: random weights tell nothing")
    return args


def digits() -> Set:
    """Handwritten digits, 8 by 8 pixels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x = found.data.astype(np.float32)
    hashes = [hashlib.sha256(row.tobytes()).hexdigest() for row in x]
    return Set("digits", x, found.target, _for_tests(hashes))


def read_sets(args: argparse.Namespace) -> Iterator[Set]:
    """The sets that were named, embedded; with ``--kept``, once."""
    for folder in args.images:
        kept = args.kept and args.kept / f"{folder.name}-{args.backbone}-{args.weights.stem}.npz"
        if kept and kept.exists():
            yield Set(folder.name, **np.load(kept))
            continue
        data = embedded(folder, args)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.savez(kept, x=data.x, y=data.y, test=data.test)
        yield data


def embedded(folder: Path, args: argparse.Namespace) -> Set:
    """Embed a folder; of files with the same content, the first counts."""
    sides = [s for s in ("train", "validation", "test") if (folder / s).is_dir()]
    roots = [folder / side for side in sides] or [folder]
    files: dict[str, Path] = {}
    for root in roots:
        for file in sorted(f for f in root.glob("*/*") if f.is_file()):
            files.setdefault(hashlib.sha256(file.read_bytes()).hexdigest(), file)
    labels = sorted({file.parent.name for file in files.values()})
    y = np.array([labels.index(file.parent.name) for file in files.values()])
    named = np.array([file.parent.parent.name == "test" for file in files.values()])
    state = read_state(args.weights)
    backbone = build_backbone(args.backbone, str(args.weights), state, EvalTransform())
    x = embed(backbone, [str(file) for file in files.values()])
    return Set(folder.name, x, y, named if "test" in sides else _for_tests(list(files)))


def _for_tests(hashes: list[str]) -> NDArray[np.bool_]:
    return np.array([split_of(sha256, TEST) == "holdout" for sha256 in hashes])


def measure(data: Set, count: int, seed: int) -> Measured:
    """Draw labels, fit, and judge on the test images."""
    pool, test = np.flatnonzero(~data.test), np.flatnonzero(data.test)
    drawn = np.random.default_rng(seed).permutation(pool)[:count]
    targets = np.asarray(data.y[:, None] == np.arange(data.y.max() + 1))
    x, truth = data.x[test], targets[test]
    fitted = fit_head(data.x[drawn], targets[drawn], False, seed)
    told = None if fitted.out is None else calibrate(fitted.out, targets[drawn], False, seed)
    temperature = told["temperature"] if told else 1.0
    before, after = fitted.head.predict(x), with_temperature(fitted.head, temperature).predict(x)
    logits = fitted.head.logits(x)
    best = activate(logits / fit_temperature(logits, truth, False), False)
    with patch("annolooop.model.fit.MIN_CALIBRATION", sys.maxsize):  # too few, for the choice
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


def summarize(data: Set, count: int, seeds: int, mean: Measured) -> list[Figure]:
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
