"""How fast files become the pixels that a backbone sees, over plain Pillow.

Measured, for photos of each size: processor time of `EvalTransform.decode`, which decodes, resizes
and crops, over that of Pillow decoding the whole picture and nothing else. Both in one thread, in
turns, the best round of each: what other programs do on the machine plays little part. Threads
decode side by side, so the ratio holds for any number of cores.

Run it: python benchmarks/decode.py [--megapixels N ...] [--count N] [--rounds N] [--images FOLDER]
            [--record FILE]

Small photographs have no detail that could be skipped, so that resizing comes on top there: only
those of 12 MP have a target. Exit status: 0 when it is met, 1 otherwise.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from figures import Figure, add_record, tell
from photos import photos, photos_in
from PIL import Image

from annolooop.model.backbones.transforms import EvalTransform

TARGET = 2.5
LARGE = 12  # megapixels from which the target holds


def main() -> int:
    """Measure, and tell by the exit status whether the targets are met."""
    parser = argparse.ArgumentParser(description="Our decoding over plain Pillow's.")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.2, 1.2, 12], metavar="N")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="default: 10 a size")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="also the photos in a folder")
    add_record(parser)
    args = parser.parse_args()
    found = photos_in(args.images, {".jpg", ".jpeg"})[: args.count] if args.images else []
    torch.set_num_threads(1)
    figures = []
    for megapixels in args.megapixels:
        files = list(photos(args.count, megapixels))
        target = TARGET if megapixels >= LARGE else None
        figures.append(measure(f"{megapixels:g} MP", files, args.rounds, target))
    if args.images:
        figures.append(
            measure(args.images.name, [f.read_bytes() for f in found], args.rounds, None)
        )
    return tell(figures, args.record)


def measure(what: str, files: Sequence[bytes], rounds: int, target: float | None) -> Figure:
    """The figure of some files."""
    ways = {"ours": EvalTransform().decode, "plain": plain}
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            best[name] = min(best[name], seconds(way, files) / len(files))
    return Figure(
        f"decode, {len(files)} photos of {what}",
        "files to pixels in the crop's size, a second, over plain Pillow's decoding",
        f"{1 / best['ours']:.0f}/s over {1 / best['plain']:.0f}/s",
        best["plain"] / best["ours"],
        target,
    )


def plain(data: bytes) -> object:
    """The whole picture, as anyone would read it."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def seconds(way: Callable[[bytes], object], files: Sequence[bytes]) -> float:
    """Processor time that this thread spends on all files."""
    begun = time.thread_time()
    for data in files:
        way(data)
    return time.thread_time() - begun


if __name__ == "__main__":
    sys.exit(main())
