"""What kept embeddings cost to know and to read, at a million images as at ten thousand.

Measured: with `--count` embeddings in a store of a temporary folder, in shards of `--shard`, a
process of its own reads the indexes and asks which of as many hashes are lacking: seconds an image,
the median of three times. Then it reads every embedding, `--part` at a time, in random order of
the parts: the highest memory (RSS) up to then. What Python, the imports and the list of hashes
take by themselves is printed beside it.

Over: the same with `--few` embeddings, for the time.

Run it: python benchmarks/embeddings.py [--count N] [--few N] [--dim N] [--shard N] [--part N]
            [--record FILE]

Exit status: 0 when memory stays below 1 GiB, and an image of many takes at most 1.5 times as long
as one of few.
"""

import argparse
import hashlib
import json
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from figures import Figure, add_record, tell

from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings

GIB = 2**30
ROUNDS = 3


def main() -> int:
    """Measure few and many, and print two figures."""
    args = _arguments()
    if args.child:
        print(json.dumps(measure(args.child, args.count, args.part)))
        return 0
    few, many = run(args, args.few), run(args, args.count)
    for count, told in ((args.few, few), (args.count, many)):
        print(f"{count:,}: {json.dumps(told)}")
    seconds = [told["load"] + told["lacking"] for told in (few, many)]
    each = [1e6 * s / count for s, count in zip(seconds, (args.few, args.count), strict=True)]
    what = f"{args.count:,} kept embeddings"
    return tell(
        [
            Figure(
                what,
                "peak memory of knowing and reading them over 1 GiB",
                f"{many['peak'] / GIB:.3f} GiB over 1 GiB",
                many["peak"] / GIB,
                1.0,
                False,
            ),
            Figure(
                what,
                f"time an image to know them over that of {args.few:,}",
                f"{each[1]:.2f} µs over {each[0]:.2f} µs",
                each[1] / each[0],
                1.5,
                False,
            ),
        ],
        args.record,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Knowing and reading kept embeddings.")
    parser.add_argument("--count", type=int, default=1_000_000, help="default: 1,000,000")
    parser.add_argument("--few", type=int, default=10_000, help="default: 10,000")
    parser.add_argument("--dim", type=int, default=128, help="default: 128")
    parser.add_argument("--shard", type=int, default=1000, help="default: 1000")
    parser.add_argument("--part", type=int, default=4096, help="default: 4096")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    add_record(parser)
    return parser.parse_args()


def run(args: argparse.Namespace, count: int) -> dict[str, float]:
    """Fill a store, and measure it in a process of its own."""
    with TemporaryDirectory() as folder:
        writer = Embeddings(ArtifactStore(folder), "space", Path(folder) / "cache")
        hashes = hashes_of(count)
        for at in range(0, count, args.shard):
            part = hashes[at : at + args.shard]
            writer.add(dict(zip(part, np.ones((len(part), args.dim), np.float32), strict=True)))
        words = [sys.executable, __file__, "--child", folder, "--count", str(count)]
        done = subprocess.run(
            [*words, "--part", str(args.part)], stdout=subprocess.PIPE, check=True, text=True
        )
        told: dict[str, float] = json.loads(done.stdout)
        return told


def measure(folder: Path, count: int, part: int) -> dict[str, float]:
    """Seconds of each step, and memory in bytes."""
    hashes = hashes_of(count)
    before = peak()
    loading, looking = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        embeddings = Embeddings(ArtifactStore(str(folder)), "space", folder / "cache")
        embeddings.load()
        loaded = time.perf_counter()
        assert not embeddings.missing(hashes)
        known = time.perf_counter()
        loading.append(loaded - begun)
        looking.append(known - loaded)
    starts = list(range(0, count, part))
    random.Random(0).shuffle(starts)
    for at in starts:
        embeddings.matrix(hashes[at : at + part])
    return {
        "load": round(statistics.median(loading), 4),
        "lacking": round(statistics.median(looking), 4),
        "read": round(time.perf_counter() - known, 3),
        "before": before,
        "peak": peak(),
    }


def hashes_of(count: int) -> list[str]:
    """As many content hashes."""
    return [hashlib.sha256(str(n).encode()).hexdigest() for n in range(count)]


def peak() -> int:
    """The highest memory of this process so far, in bytes."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else 1024 * used


if __name__ == "__main__":
    sys.exit(main())
