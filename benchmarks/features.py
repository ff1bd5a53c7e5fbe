"""Photographs as their embeddings: what benchmarks of quality learn from.

A set is a folder with a folder of images for each label, below it or below `train`, `validation`
and `test`. The embeddings are made by the program's own pipeline; with `--features FOLDER` they
are kept there, and not made again while the files are the same.
"""

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIDES = ("train", "validation", "test")


@dataclass(frozen=True)
class Photos:
    """A set.

    Attributes:
        name: of its folder.
        labels: names of its folders.
        x: (n, d) float32, embeddings.
        y: (n,) int, number of the label.
    """

    name: str
    labels: tuple[str, ...]
    x: NDArray[np.float32]
    y: NDArray[np.int64]

    def targets(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(rows, labels) bool."""
        return np.asarray(self.y[rows][:, None] == np.arange(len(self.labels)))


def add_photos(parser: argparse.ArgumentParser) -> None:
    """Give a benchmark the options that :func:`read_photos` reads."""
    parser.add_argument("sets", type=Path, nargs="*", help="folders with a folder for each label")
    parser.add_argument("--weights", type=Path, help="pretrained state dict of the backbone")
    parser.add_argument("--backbone", default="mobilenet_v2", help="default: mobilenet_v2")
    parser.add_argument(
        "--features", type=Path, metavar="FOLDER", help="keep embeddings there, and use them"
    )


def read_photos(args: argparse.Namespace) -> Iterator[Photos]:
    """The sets that were named; the digits of scikit-learn, in pixels, where none were."""
    if not args.sets:
        from sklearn.datasets import load_digits

        found = load_digits()
        names = tuple(str(digit) for digit in range(10))
        yield Photos("digits", names, found.data.astype(np.float32), found.target)
    for folder in args.sets:
        files = _files(folder)
        labels = tuple(sorted({file.parent.name for file in files}))
        kept = args.features and args.features / f"{folder.name}-{_mark(files, args)}.npz"
        if kept and kept.exists():
            x, used = np.load(kept)["x"], np.load(kept)["used"]
        else:
            x, used = _embed(files, args)
            if kept:
                args.features.mkdir(parents=True, exist_ok=True)
                np.savez(kept, x=x, used=used)
        y = np.array([labels.index(files[n].parent.name) for n in used])
        yield Photos(folder.name, labels, x, y)


def _files(folder: Path) -> list[Path]:
    tops = [folder / side for side in SIDES if (folder / side).is_dir()] or [folder]
    return [f for top in tops for f in sorted(top.glob("*/*")) if f.is_file()]


def _mark(files: list[Path], args: argparse.Namespace) -> str:
    told = "\n".join([args.backbone, str(args.weights), *(str(file) for file in files)])
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _embed(files: list[Path], args: argparse.Namespace) -> tuple[NDArray[np.float32], list[int]]:
    """Embeddings, and numbers of the files that could be read."""
    # Loaded where there is something to embed: torch takes longer than what is measured.
    from annolooop.model.classifier import build_backbone
    from annolooop.model.pipeline import Pipeline
    from annolooop.model.transforms import EvalTransform
    from annolooop.model.weights import read_state

    state = read_state(args.weights)
    backbone = build_backbone(args.backbone, str(args.weights), state, EvalTransform(256, 224))
    found: dict[str, NDArray[np.float32]] = {}
    for batch in Pipeline(backbone).embed((str(file), file.read_bytes()) for file in files):
        found |= batch.vectors
    used = [n for n, file in enumerate(files) if str(file) in found]
    return np.stack([found[str(files[n])] for n in used]), used
