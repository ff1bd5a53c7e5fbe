"""Memory of `infer`: its peak for many images over its peak for few.

Measured: the highest resident set of `python -m annolooop infer --batch FOLDER --no-push`, the
system's own count of that process, with 20,000 small photos over the same with 1,000, each with a
new, empty store. The backbone is a mobilenet_v3_small of random weights, which is quick. The ratio
should be at most 1.15.

Run it: python benchmarks/memory.py [--few N] [--many N] [--images DIR]

Exit status: 0 within the target, 1 beyond it.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from figures import Figure, add_record, tell
from offline import make_stack, put_in_force, put_photos

TARGET = 1.15
BACKBONE = "mobilenet_v3_small"
MEGAPIXELS = 0.02
# A process starts out with the memory of the one that it was made from, and the system counts that
# too: this one holds nothing.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def main() -> int:
    """Measure, print, and tell by the exit status whether the target is met."""
    args = _arguments()
    with TemporaryDirectory(prefix="annoloop-benchmark-") as temporary:
        few, _ = peak(Path(temporary) / "few", args.few, args.images)
        many, kind = peak(Path(temporary) / "many", args.many, args.images)
    figure = Figure(
        f"memory of infer, {kind}, {BACKBONE}",
        f"peak resident set at {args.many:,} images over that at {args.few:,}",
        f"{many:.0f} MiB over {few:.0f} MiB",
        many / few,
        TARGET,
        at_least=False,
    )
    return tell([figure], args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Peak memory of infer, of many over few.")
    parser.add_argument("--few", type=int, default=1000, metavar="N", help="default: 1000")
    parser.add_argument("--many", type=int, default=20_000, metavar="N", help="default: 20,000")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="photos to use; default: generated ones"
    )
    add_record(parser)
    args = parser.parse_args()
    if not 0 < args.few < args.many:
        parser.error("--few must be at least 1, and --many more")
    return args


def peak(folder: Path, count: int, images: Path | None) -> tuple[float, str]:
    """MiB of a run over so many photos, and what they are."""
    stack = make_stack(folder, BACKBONE)
    found, kind = put_photos(folder / "photos", count, MEGAPIXELS, images)
    if found < count:
        raise SystemExit(f"there are {found} photos, and {count} are asked for")
    pipeline = stack.build_pipeline()
    put_in_force(stack, pipeline.info, pipeline.weights(), 0)
    infer = ("infer", "--batch", str(folder / "photos"), "--no-push")
    words = (sys.executable, "-m", "annolooop", *infer, "--stack", str(stack.loaded.file))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *words], check=True, stdout=subprocess.PIPE, text=True
    )
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return int(done.stdout) / unit, kind


if __name__ == "__main__":
    sys.exit(main())
