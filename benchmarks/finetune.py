"""What fine-tuning buys: accuracy of `layer4` and `all` over that of a head alone, on real photos.

Measured: the holdout accuracy of what `train --rerun` would register with each setting of
`train.finetune`, from the same pretrained backbone, the same examples, the same holdout, in one
run. Beside it: how many images only one of the two gets right, with the exact McNemar p-value.

The data is a folder with a folder of images for each label. By a hash of their content and the
seed, `--train` images of each label are learnt from and `--holdout` others are the holdout.

Run it: python benchmarks/finetune.py DATA --weights FILE [--backbone NAME] [--train N]
            [--holdout N] [--epochs N] [--size PIXELS] [--seeds N ...]

There is no target: what is right depends on the data, and on time. Exit status: 0.
"""

import argparse
import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.progress import untracked
from annolooop.model.backbones.classifier import Backbone, build_backbone
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.model.backbones.transforms import EvalTransform
from annolooop.model.backbones.weights import read_state
from annolooop.model.heads.fine_tuner import FinetuningData, Recipe
from annolooop.model.heads.finetune import finetune, split_validation
from annolooop.model.heads.fit import Targets, all_correct, fit_head
from annolooop.model.judging.paired import mcnemar

ROW = "{:>5} {:<7} {:>8} {:>6} {:>6} {:>10} {:>10} {:>8} {:>6} {:>8}"


def main() -> None:
    """Measure each seed, and print a table."""
    args = _arguments()
    size = EvalTransform(round(args.size * 8 / 7), args.size)
    state = read_state(args.weights)
    backbone = build_backbone(args.backbone, str(args.weights), state, size)
    print(f"{args.backbone} on {backbone.device}, {args.size} pixels, {args.data.name}")
    columns = ("seed", "learns", "accuracy", "ratio", "loss", "only head", "only tuned")
    print(ROW.format(*columns, "p", "epoch", "seconds"))
    for seed in args.seeds:
        measure(args, backbone, seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Accuracy of fine-tuning over a head alone.")
    parser.add_argument("data", type=Path, help="a folder with a folder for each label")
    parser.add_argument("--weights", type=Path, required=True, help="pretrained state dict")
    parser.add_argument("--backbone", default="mobilenet_v2", help="default: mobilenet_v2")
    parser.add_argument("--train", type=int, default=60, metavar="N", help="default: 60 a label")
    parser.add_argument("--holdout", type=int, default=60, metavar="N", help="default: 60 a label")
    parser.add_argument("--epochs", type=int, default=10, metavar="N", help="default: 10")
    parser.add_argument("--size", type=int, default=224, metavar="PIXELS", help="default: 224")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N", help="default: 0")
    return parser.parse_args()


def measure(args: argparse.Namespace, backbone: Backbone, seed: int) -> None:
    """Print the three rows of one seed."""
    learn, held = split(args.data, args.train, args.holdout, seed)
    names, targets = list(learn), to_targets(learn.values())
    begun = time.perf_counter()
    x = embed(backbone, [*learn, *held])
    head, figures, _ = fit_head(x[: len(names)], targets, False, seed)
    truth, said = to_targets(held.values()), head.predict(x[len(names) :])
    base = all_correct(said, truth, False)
    spent = time.perf_counter() - begun
    tell(seed, "head", base, base, loss(said, truth), 0, spent)
    out = split_validation(names, targets, False, seed)
    probe, *_ = fit_head(x[: len(names)][~out], targets[~out], False, seed)
    data = FinetuningData(names, targets, False, out, lambda name: Path(name).read_bytes())
    for mode in ("layer4", "all"):
        begun = time.perf_counter()
        with TemporaryDirectory() as folder:
            recipe = Recipe(mode, seed, args.epochs)
            tuned = finetune(backbone, probe, data, recipe, Path(folder), untracked)
        if tuned.best_epoch:
            new = embed(tuned.backbone, [*learn, *held])
            refit, *_ = fit_head(new[: len(names)], targets, False, seed, figures["C"])
            said = refit.predict(new[len(names) :])
        else:  # as `train` does: the head that learnt from all examples stays
            said = head.predict(x[len(names) :])
        spent = time.perf_counter() - begun
        right = all_correct(said, truth, False)
        tell(seed, mode, base, right, loss(said, truth), tuned.best_epoch, spent)


def split(data: Path, train: int, holdout: int, seed: int) -> tuple[dict[str, int], dict[str, int]]:
    """File -> number of its label, of what is learnt from and of the holdout."""
    learn: dict[str, int] = {}
    held: dict[str, int] = {}
    for number, folder in enumerate(sorted(f for f in data.iterdir() if f.is_dir())):
        by_hash = {
            hashlib.sha256(str(seed).encode() + file.read_bytes()).hexdigest(): str(file)
            for file in folder.iterdir()
        }
        files = [by_hash[name] for name in sorted(by_hash)]
        learn |= dict.fromkeys(files[:train], number)
        held |= dict.fromkeys(files[train : train + holdout], number)
    return learn, held


def to_targets(numbers: Iterable[int]) -> Targets:
    """(n, labels) bool."""
    chosen = np.array(list(numbers))
    return np.asarray(chosen[:, None] == np.arange(chosen.max() + 1))


def embed(backbone: Backbone, files: list[str]) -> NDArray[np.float32]:
    """(n, d) embeddings of files, in their order."""
    found: dict[str, NDArray[np.float32]] = {}
    for batch in Pipeline(backbone, 32).embed((file, Path(file).read_bytes()) for file in files):
        found |= batch.vectors
    return np.stack([found[file] for file in files])


def loss(said: NDArray[np.float64], truth: Targets) -> float:
    """Mean log loss."""
    return float(-np.log(said[truth].clip(1e-12)).mean())


def tell(
    seed: int, mode: str, base: Targets, right: Targets, lost: float, epoch: int, spent: float
) -> None:
    """Print one row."""
    only_head, only_tuned = int((base & ~right).sum()), int((right & ~base).sum())
    p_value = mcnemar(only_head, only_tuned)
    cells = (f"{right.mean():.3f}", f"{right.mean() / base.mean():.3f}", f"{lost:.3f}")
    rest = (only_head, only_tuned, f"{p_value:.3g}", epoch, f"{spent:.0f}")
    print(ROW.format(seed, mode, *cells, *rest), flush=True)


if __name__ == "__main__":
    main()
