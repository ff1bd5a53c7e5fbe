"""Labelled images as their embeddings: what benchmarks of quality learn from.

`--images` names a set, and may be given several times: a folder with a folder of images for each
label, or one with folders `train`, `validation` and `test` of such folders. Without a `test`
folder, a quarter of the images is for tests, by a hash of their content. Of files with the same
content the first counts. The embeddings are made by the program's own pipeline; with `--kept`
they are kept in a folder, and not made again while the files are the same. Without `--images`:
scikit-learn's 1,797 handwritten digits, as raw pixels.
"""

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annolooop.domain.split import split_of

SIDES = ("train", "validation", "test")
TEST = 0.25  # share of the images for tests where no folder is named so


@dataclass(frozen=True)
class Photos:
    """A set, in the order of the hashes of its images: the first of them are a draw.

    Attributes:
        name: of its folder.
        labels: names of its folders.
        x: (n, d) float32, embeddings.
        y: (n,) int, number of the label.
        test: (n,) bool, which are for tests.
        files: where they are; none of digits.
    """

    name: str
    labels: tuple[str, ...]
    x: NDArray[np.float32]
    y: NDArray[np.int64]
    test: NDArray[np.bool_]
    files: tuple[Path, ...] = ()

    def targets(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(rows, labels) bool."""
        return np.asarray(self.y[rows][:, None] == np.arange(len(self.labels)))


def add_photos(parser: argparse.ArgumentParser) -> None:
    """Give a benchmark the options that :func:`read_photos` reads."""
    parser.add_argument("--images", type=Path, action="append", default=[], help="repeatable")
    parser.add_argument("--weights", type=Path, help="of the backbone; needed with --images")
    parser.add_argument("--backbone", default="mobilenet_v2", help="default: mobilenet_v2")
    parser.add_argument("--kept", type=Path, help="where embeddings are kept; default: nowhere")


def read_photos(args: argparse.Namespace) -> Iterator[Photos]:
    """The sets that were named; the digits where none were."""
    if not args.images:
        yield digits()
    elif not args.weights:
        raise SystemExit("--images needs --weights FILE: random weights tell nothing")
    for folder in args.images:
        files = read_files(folder)
        if not files:
            raise SystemExit(f"--images {folder}: no folders of images in it")
        labels = tuple(sorted({file.parent.name for file in files.values()}))
        kept = args.kept and args.kept / f"{folder.name}-{_mark(files, args)}.npz"
        if kept and kept.exists():
            found = dict(np.load(kept))
        else:
            found = embed(files, args.backbone, args.weights)
            if kept:
                args.kept.mkdir(parents=True, exist_ok=True)
                np.savez(kept, **found)
        used = {sha256: files[sha256] for sha256 in found["hashes"].tolist()}
        y = np.array([labels.index(file.parent.name) for file in used.values()])
        named = any(file.parent.parent.name == "test" for file in used.values())
        test = [file.parent.parent.name == "test" for file in used.values()]
        if not named:
            test = [split_of(sha256, TEST) == "holdout" for sha256 in used]
        yield Photos(folder.name, labels, found["x"], y, np.array(test, bool), tuple(used.values()))


def digits() -> Photos:
    """Handwritten digits, 8 by 8 pixels."""
    from sklearn.datasets import load_digits

    read = load_digits()
    x = read.data.astype(np.float32)
    hashes = [hashlib.sha256(row.tobytes()).hexdigest() for row in x]
    order = np.argsort(hashes)
    test = np.array([split_of(sha256, TEST) == "holdout" for sha256 in hashes])
    names = tuple(str(digit) for digit in range(10))
    return Photos("digits", names, x[order], read.target[order].astype(np.int64), test[order])


def read_files(folder: Path) -> dict[str, Path]:
    """Content hash -> file, by hash; what is in `test` too is there."""
    tops = [folder / side for side in SIDES[::-1] if (folder / side).is_dir()] or [folder]
    files: dict[str, Path] = {}
    for top in tops:
        for file in sorted(f for f in top.glob("*/*") if f.is_file()):
            files.setdefault(hashlib.sha256(file.read_bytes()).hexdigest(), file)
    return dict(sorted(files.items()))


def embed(files: dict[str, Path], backbone: str, weights: Path) -> dict[str, NDArray[np.generic]]:
    """``x``, the embeddings, and ``hashes`` of the files that could be read."""
    # Loaded where there is something to embed: torch takes longer than what is measured.
    from annolooop.model.backbones.classifier import build_backbone
    from annolooop.model.backbones.pipeline import Pipeline
    from annolooop.model.backbones.transforms import EvalTransform
    from annolooop.model.backbones.weights import read_state

    network = build_backbone(backbone, str(weights), read_state(weights), EvalTransform(256, 224))
    found: dict[str, NDArray[np.float32]] = {}
    named = ((sha256, file.read_bytes()) for sha256, file in files.items())
    for batch in Pipeline(network).embed(named):
        found |= batch.vectors
    hashes = [sha256 for sha256 in files if sha256 in found]
    return {"x": np.stack([found[sha256] for sha256 in hashes]), "hashes": np.array(hashes)}


def _mark(files: dict[str, Path], args: argparse.Namespace) -> str:
    told = "\n".join([args.backbone, args.weights.name, *files])
    return hashlib.sha256(told.encode()).hexdigest()[:12]
