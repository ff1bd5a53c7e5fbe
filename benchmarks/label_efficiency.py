"""How many labels `auto` needs, over what random choice needs; and what choosing costs.

Measured: `annoloop simulate`'s own replay (`loop/replay.py`) on frozen embeddings: 20 labels a
round up to 500, a calibrated head after each round, accuracy on a fixed test set, five seeds (0 to
4; what `auto` does was tuned on other seeds, from 100 on, and on other splits). All strategies
start with nothing labelled.

1. Labels at which `auto` reaches what random reached with 200 and with 500, as a share of these;
   from the curves of means, with the jackknife's standard error over the seeds.
2. The difference of `auto` from random in accuracy, meaned over the rounds and paired by seed, in
   standard errors.
3. The same mean of `auto` over that of the best other strategy; and labels for random's 500.
4. Seconds in which `auto` chooses 50 of 20,000 embeddings, over those in which they were embedded.

`--images` names a folder with a folder of images for each label; or one with folders `train`,
`validation` and `test` of such folders. Without a `test` folder, a quarter of the images is for
tests, by a hash of their content. Without `--images`: scikit-learn's 1,797 handwritten digits as
raw pixels, and no figure of cost.

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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from figures import Figure, add_record, tell

from annolooop.loop.replay import Curve, Material, Plan, replays, share_of, standard_error
from annolooop.loop.simulate import Embedder, Labelled, read_folder, split
from annolooop.records import untracked
from annolooop.stack import Stack
from annolooop.stack_file import load_stack
from annolooop.strategies.choose import STRATEGIES, choose
from annolooop.strategies.pool import Pool

AIMS = {200: 0.5, 500: 0.63}
MANY, ASKED = 20_000, 50
TIMED = 256  # images that the rate of embedding is told from
SIDES = ("train", "validation")


def main() -> int:
    """Measure each set, and print its figures."""
    args = _arguments()
    figures: list[Figure] = []
    with TemporaryDirectory() as folder:
        embedder = Embedder(stack_of(args, Path(folder))) if args.images else None
        sets = read_sets(args, embedder) if embedder else iter([("digits", digits())])
        for name, material in sets:
            figures += measure(name, material, args)
            if embedder:
                figures.append(cost(name, material, args, embedder))
    return tell(figures, args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Labels that auto needs, over random's.")
    parser.add_argument("--images", type=Path, action="append", default=[], help="repeatable")
    parser.add_argument("--weights", default="none", help="of the backbone; default: random ones")
    parser.add_argument("--backbone", default="mobilenet_v2", help="default: mobilenet_v2")
    parser.add_argument("--kept", type=Path, help="where embeddings are kept; default: nowhere")
    parser.add_argument("--pool", type=int, help="images to ask about, at most; default: all")
    parser.add_argument("--test", type=int, help="images for tests, at most; default: all")
    parser.add_argument("--seeds", type=int, default=5, help="default: 5, from 0 on")
    parser.add_argument("--budget", type=int, default=500, help="default: 500")
    parser.add_argument("--query", type=int, default=20, help="labels a round; default: 20")
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), help="default: all")
    parser.add_argument("--curves", type=Path, help="also write the mean curves, as JSON lines")
    add_record(parser)
    return parser.parse_args()


def stack_of(args: argparse.Namespace, folder: Path) -> Stack:
    """A stack whose cache is the folder of kept embeddings."""
    weights = str(Path(args.weights).resolve()) if Path(args.weights).is_file() else args.weights
    values = {
        "model": {"backbone": args.backbone, "weights": weights},
        "cache_dir": str((args.kept or folder / "cache").resolve()),
        "store": {"url": str(folder / "store")},
    }
    file = folder / "annoloop.yaml"
    file.write_text(json.dumps(values), encoding="utf-8")  # JSON is YAML
    return Stack(load_stack(str(file), ()), print)


def read_sets(args: argparse.Namespace, embedder: Embedder) -> Iterator[tuple[str, Material]]:
    """Name and embeddings of each folder."""
    for folder in args.images:
        if (folder / "test").is_dir():
            parts = [folder / side for side in SIDES if (folder / side).is_dir()]
            material = sides(merged(parts), read_folder(folder / "test", untracked), embedder)
        else:
            found = read_folder(folder, untracked)
            material, _ = split(found, embedder.embed(found, untracked))
        yield folder.name, thinned(material, args.pool, args.test)


def merged(folders: Sequence[Path]) -> Labelled:
    """Several folders as one."""
    read = [read_folder(folder, untracked) for folder in folders]
    files = {sha256: file for found in read for sha256, file in found.files.items()}
    labels = {sha256: label for found in read for sha256, label in found.labels.items()}
    return Labelled(files, labels, tuple(sorted(set(labels.values()))))


def sides(pool: Labelled, test: Labelled, embedder: Embedder) -> Material:
    """Of folders that say themselves what is tested on; what is in both is tested on."""
    parts = []
    for found, but in ((pool, test.files), (test, {})):
        vectors = embedder.embed(found, untracked).vectors
        hashes = sorted(sha256 for sha256 in vectors if sha256 not in but)
        parts.append(np.stack([vectors[sha256] for sha256 in hashes]))
        rows = [[found.labels[sha256] == name for name in pool.names] for sha256 in hashes]
        parts.append(np.array(rows, bool))
    return Material(*parts)


def thinned(material: Material, pool: int | None, test: int | None) -> Material:
    """At most so many images on either side; as they are sorted by hash, the first are a draw."""
    return Material(
        material.pool[:pool], material.targets[:pool], material.test[:test], material.truth[:test]
    )


def digits() -> Material:
    """Raw pixels; a third of them is for tests."""
    from sklearn.datasets import load_digits

    read = load_digits()
    order = np.random.default_rng(0).permutation(len(read.data))
    x, targets = read.data.astype(np.float32)[order], np.eye(10, dtype=bool)[read.target[order]]
    cut = len(x) // 3
    return Material(x[cut:], targets[cut:], x[:cut], targets[:cut])


def measure(name: str, material: Material, args: argparse.Namespace) -> list[Figure]:
    """The figures of one set, but for the cost."""
    plan = Plan(args.query, args.budget, tuple(range(args.seeds)))
    strategies = list(dict.fromkeys(["random", "auto", *args.strategies]))
    print(f"{name}: {len(material.pool):,} to ask about, {len(material.test):,} to test on")
    curves: dict[str, Curve] = {}
    for strategy in strategies:
        curve = replays(material, [strategy], plan, untracked)[strategy]
        curves[strategy] = curve
        print_row(strategy, curve, curves["random"])
        if args.curves:
            with args.curves.open("a", encoding="utf-8") as file:
                told = {"set": name, "strategy": strategy, "labels": curve.labels.tolist()}
                file.write(json.dumps({**told, "accuracy": curve.accuracy.tolist()}) + "\n")
    auto, baseline = curves["auto"], curves["random"]
    what = f"{name}, {len(material.pool):,} images, {args.seeds} seeds"
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


def cost(name: str, material: Material, args: argparse.Namespace, embedder: Embedder) -> Figure:
    """Seconds of a choice by auto, over seconds of embedding the same number of images."""
    rng = np.random.default_rng(0)
    # Where there are fewer: points between two images of the set.
    one, other = (material.pool[rng.integers(0, len(material.pool), MANY)] for _ in range(2))
    share = rng.random((MANY, 1), np.float32)
    vectors = np.asarray(one * share + other * (1 - share), np.float32)
    known = material.pool[:200]
    said = rng.dirichlet(np.ones(material.targets.shape[1]), MANY)
    pool = Pool(vectors, said, known, material.targets[:200], False, 0.6)
    begun = time.perf_counter()
    choose("auto", pool, ASKED, 0)
    spent = time.perf_counter() - begun
    rate = embedder.rate(sorted(f for f in args.images[0].rglob("*") if f.is_file())[:TIMED])
    return Figure(
        name,
        f"time in which auto chooses {ASKED} of {MANY:,}, over that of embedding them",
        f"{spent:.2f} s over {MANY / rate:.0f} s ({rate:.0f} images/s)",
        spent * rate / MANY,
        0.1,
        at_least=False,
    )


if __name__ == "__main__":
    sys.exit(main())
