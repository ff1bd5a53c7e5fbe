"""How many labels `auto` needs, over what random choice needs; and what choosing costs.

Measured: `annoloop simulate`'s own replay (`loop/simulate/replay.py`) on frozen embeddings: 20
labels a round up to 500, a calibrated head after each round, accuracy on a fixed test set, five
seeds (0 to 4; what `auto` does was tuned on other seeds, from 100 on, and on other splits). All
strategies start with nothing labelled.

1. Labels at which `auto` reaches what random reached with 200 and with 500, as a share of these;
   from the curves of means, with the jackknife's standard error over the seeds.
2. The difference of `auto` from random in accuracy, meaned over the rounds and paired by seed, in
   standard errors.
3. The same mean of `auto` over that of the best other strategy; and labels for random's 500.
4. Seconds in which `auto` chooses 50 of 20,000 embeddings, over those in which they were embedded.

Which images: see `features.py`; of digits there is no figure of cost.

Run it: python benchmarks/label_efficiency.py [--images DIR ...] [--weights FILE]
            [--backbone NAME] [--kept FOLDER] [--pool N] [--test N] [--seeds N] [--budget N]
            [--strategies NAME ...] [--curves FILE] [--record FILE]

Exit status: 0 when on each set the shares are at most 0.5 and 0.63, `auto` is better than random
by two standard errors, at least 0.95 of the best other strategy, and costs at most 0.1.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from features import Photos, add_photos, read_photos
from figures import Figure, add_record, tell

from annolooop.domain.progress import untracked
from annolooop.loop.simulate.replay import (
    Curve,
    ReplayImages,
    ReplayPlan,
    replays,
    share_of,
    standard_error,
)
from annolooop.model.choosing.choose import STRATEGIES, choose
from annolooop.model.choosing.pool import Pool

AIMS = {200: 0.5, 500: 0.63}
MANY, ASKED = 20_000, 50
TIMED, WARM = 256, 32  # images that the rate of embedding is told from, after some more


def main() -> int:
    """Measure each set, and print its figures."""
    args = _arguments()
    figures: list[Figure] = []
    for photos in read_photos(args):
        images = material_of(photos, args.pool, args.test)
        figures += measure(photos.name, images, args)
        if photos.files:
            figures.append(cost(photos, images, args))
    return tell(figures, args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Labels that auto needs, over random's.")
    add_photos(parser)
    parser.add_argument("--pool", type=int, help="images to ask about, at most; default: all")
    parser.add_argument("--test", type=int, help="images for tests, at most; default: all")
    parser.add_argument("--seeds", type=int, default=5, help="default: 5, from 0 on")
    parser.add_argument("--budget", type=int, default=500, help="default: 500")
    parser.add_argument("--query", type=int, default=20, help="labels a round; default: 20")
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), help="default: all")
    parser.add_argument("--curves", type=Path, help="also write the mean curves, as JSON lines")
    add_record(parser)
    return parser.parse_args()


def material_of(photos: Photos, pool: int | None, test: int | None) -> ReplayImages:
    """At most so many images on either side."""
    ask, judge = np.flatnonzero(~photos.test)[:pool], np.flatnonzero(photos.test)[:test]
    return ReplayImages(photos.x[ask], photos.targets(ask), photos.x[judge], photos.targets(judge))


def measure(name: str, images: ReplayImages, args: argparse.Namespace) -> list[Figure]:
    """The figures of one set, but for the cost."""
    plan = ReplayPlan(args.query, args.budget, tuple(range(args.seeds)))
    strategies = list(dict.fromkeys(["random", "auto", *args.strategies]))
    print(f"{name}: {len(images.pool):,} to ask about, {len(images.test):,} to test on")
    curves: dict[str, Curve] = {}
    for strategy in strategies:
        curve = replays(images, [strategy], plan, untracked)[strategy]
        curves[strategy] = curve
        print_row(strategy, curve, curves["random"])
        if args.curves:
            with args.curves.open("a", encoding="utf-8") as file:
                told = {"set": name, "strategy": strategy, "labels": curve.labels.tolist()}
                file.write(json.dumps({**told, "accuracy": curve.accuracy.tolist()}) + "\n")
    auto, baseline = curves["auto"], curves["random"]
    what = f"{name}, {len(images.pool):,} images, {args.seeds} seeds"
    return [
        *(
            saving(what, auto, baseline, labels, aim)
            for labels, aim in AIMS.items()
            if labels <= args.budget
        ),
        advantage(what, auto, baseline),
        against_best(what, curves),
    ]


def saving(what: str, auto: Curve, baseline: Curve, labels: int, aim: float) -> Figure:
    """Labels for random's accuracy at a number of labels, over that number."""
    share, error = share_of(auto, baseline, labels)
    wanted = baseline.at(labels).mean()
    needed = "never" if share is None else f"{share * labels:.0f} ± {error * labels:.0f} labels"
    return Figure(
        what,
        f"labels for what random reaches with {labels} ({wanted:.1%}), over {labels}",
        f"{needed} over {labels}",
        float("inf") if share is None else share,
        aim,
        at_least=False,
    )


def advantage(what: str, auto: Curve, baseline: Curve) -> Figure:
    """The paired difference of accuracies over its standard error."""
    gained = auto.accuracy.mean(axis=1) - baseline.accuracy.mean(axis=1)
    error = float(standard_error(gained[:, None])[0])
    return Figure(
        what,
        "accuracy of auto less random's, mean of all rounds, over its standard error",
        f"{gained.mean():.2%} over {error:.2%}",
        float(gained.mean() / error) if error else 0.0,
        2.0,
    )


def against_best(what: str, curves: Mapping[str, Curve]) -> Figure:
    """Mean accuracy of auto over that of the best other strategy."""
    means = {name: float(curve.mean.mean()) for name, curve in curves.items()}
    auto = means.pop("auto")
    best = max(means, key=lambda name: means[name])
    return Figure(
        what,
        f"accuracy of auto, mean of all rounds, over that of the best single strategy ({best})",
        f"{auto:.1%} over {means[best]:.1%}",
        auto / means[best],
        0.95,
    )


def print_row(strategy: str, curve: Curve, baseline: Curve) -> None:
    """Accuracies at some numbers of labels, their mean over the rounds, and shares of labels."""
    last = baseline.labels[-1]
    at = {n: curve.at(n) for n in (20, 40, 100, 200, 300, 500) if n <= last}
    cells = [f"{n}: {a.mean():.1%} ± {standard_error(a[:, None])[0]:.1%}" for n, a in at.items()]
    for n in AIMS:
        if n <= last:
            share, error = share_of(curve, baseline, n)
            needed = "never" if share is None else f"{share:.2f} ± {error:.2f}"
            cells.append(f"= random@{n}: {needed}")
    print(f"{strategy:<17} mean {curve.mean.mean():.1%}; {'; '.join(cells)}", flush=True)


def cost(photos: Photos, images: ReplayImages, args: argparse.Namespace) -> Figure:
    """Seconds of a choice by auto, over seconds of embedding the same number of images."""
    rng = np.random.default_rng(0)
    # Where there are fewer: points between two images of the set.
    one, other = (images.pool[rng.integers(0, len(images.pool), MANY)] for _ in range(2))
    share = rng.random((MANY, 1), np.float32)
    vectors = np.asarray(one * share + other * (1 - share), np.float32)
    known = images.pool[:200]
    said = rng.dirichlet(np.ones(images.targets.shape[1]), MANY)
    pool = Pool(vectors, said, known, images.targets[:200], False, 0.6)
    begun = time.perf_counter()
    choose("auto", pool, ASKED, 0)
    spent = time.perf_counter() - begun
    rate = embedding_rate(photos.files[:TIMED], args)
    return Figure(
        photos.name,
        f"time in which auto chooses {ASKED} of {MANY:,}, over that of embedding them",
        f"{spent:.2f} s over {MANY / rate:.0f} s ({rate:.0f} images/s)",
        spent * rate / MANY,
        0.1,
        at_least=False,
    )


def embedding_rate(files: Sequence[Path], args: argparse.Namespace) -> float:
    """Images a second, once the network is made."""
    from annolooop.model.backbones.classifier import build_backbone
    from annolooop.model.backbones.pipeline import Pipeline
    from annolooop.model.backbones.transforms import EvalTransform
    from annolooop.model.backbones.weights import read_state

    state = read_state(args.weights)
    network = build_backbone(args.backbone, str(args.weights), state, EvalTransform(256, 224))
    pipeline = Pipeline(network)

    def embed_all(some: Sequence[Path]) -> None:
        for _ in pipeline.embed((str(file), file.read_bytes()) for file in some):
            pass

    embed_all(files[:WARM])
    begun = time.perf_counter()
    embed_all(files)
    return len(files) / (time.perf_counter() - begun)


if __name__ == "__main__":
    sys.exit(main())
