"""How far predictions in the precision that `auto` picks are from those in fp32.

Measured: a head is fitted on fp32 embeddings, as `train` does it; the same head then predicts from
embeddings in both precisions. Two figures for each set of photos: the share of images on which the
most probable label is the same, and the largest difference of any label's probability on any image.

The photos are those of --images, a folder of any depth, where the folder that a photo lies in is
its label, and generated ones, whose label is the colour that there is most of.

Run it: python benchmarks/precision.py [--images FOLDER] [--weights FILE] [--backbone NAME]
            [--count N] [--generated N] [--record FILE]

Without --weights, the backbone's are random. Exit status: 0 when all targets are met, or the device
has nothing but fp32; 1 otherwise.
"""

import argparse
import io
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from figures import Figure, add_record, tell
from numpy.typing import NDArray
from photos import photo, photos_in
from PIL import Image, ImageStat

from annolooop.model.backbones.classifier import Backbone, build_backbone
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.model.backbones.precision import pick_precision
from annolooop.model.backbones.transforms import EvalTransform
from annolooop.model.backbones.weights import read_state
from annolooop.model.heads.fit import fit_head

SAME, OFF = 0.995, 0.02
PENALTY = 0.01  # that `train` finds for photos such as these


def main() -> int:
    """Measure, and tell by the exit status whether the targets are met."""
    parser = argparse.ArgumentParser(description="Predictions of `auto` against those of fp32.")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; folder = label")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="default: random")
    parser.add_argument("--backbone", default="resnet18", help="default: resnet18")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="default: 1000")
    parser.add_argument("--generated", type=int, default=200, metavar="N", help="default: 200")
    add_record(parser)
    args = parser.parse_args()
    files = photos_in(args.images) if args.images else []
    state = read_state(args.weights) if args.weights else None
    named = str(args.weights or "random")
    exact = build_backbone(args.backbone, named, state, EvalTransform())
    fast = replace(exact, precision=pick_precision("auto", exact.device))
    if fast.precision == "fp32":
        print(f"{exact.device} computes in fp32 only: there is nothing to compare")
        return 0
    figures: list[Figure] = []
    if args.images:
        random.Random(0).shuffle(files)
        chosen = [(f.parent.name, f.read_bytes()) for f in files[: args.count]]
        figures += compare(exact, fast, args.images.name, chosen)
    if args.generated:
        made = [photo(number, 0.1) for number in range(args.generated)]
        figures += compare(exact, fast, "generated photos", [(colour(data), data) for data in made])
    return tell(figures, args.record)


def compare(
    exact: Backbone, fast: Backbone, what: str, photos: Sequence[tuple[str, bytes]]
) -> list[Figure]:
    """Both figures of (label, bytes) of photos."""
    labels = np.array([label for label, _ in photos])
    x, y = (embed(backbone, [data for _, data in photos]) for backbone in (exact, fast))
    head, *_ = fit_head(x, labels[:, None] == np.unique(labels), False, 0, PENALTY)
    p, q = head.predict(x), head.predict(y)
    off = np.abs(p - q).max(axis=1)
    same = p.argmax(axis=1) == q.argmax(axis=1)
    name = f"{exact.info.name}, {len(photos)} of {what}, {fast.precision} against fp32"
    told = f"{off.mean():.4f} on average, {np.quantile(off, 0.995):.4f} on 99.5 %"
    return [
        Figure(name, "same label", f"{same.sum()} of {len(same)}", float(same.mean()), SAME),
        Figure(name, "probability, largest difference", told, float(off.max()), OFF, False),
    ]


def colour(data: bytes) -> str:
    """Whether a photo is mostly red, green or blue."""
    means = ImageStat.Stat(Image.open(io.BytesIO(data))).mean
    return "rgb"[int(np.argmax(means))]


def embed(backbone: Backbone, files: Sequence[bytes]) -> NDArray[np.float32]:
    """(n, d) embeddings."""
    named = ((str(number), data) for number, data in enumerate(files))
    batches = Pipeline(backbone).embed(named)
    return np.stack([vector for batch in batches for vector in batch.vectors.values()])


if __name__ == "__main__":
    sys.exit(main())
