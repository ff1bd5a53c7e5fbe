"""How long it takes to find out what is new, and in how much memory, from 10,000 keys to a million.

Measured: opening the catalogue of a dataset of N images with no local copy of it yet (cold) and
with one (warm), and a look at the store as `sync` and `dataset stats` take it (`loop.watch.look`),
which tells what is new, changed and gone; and the plan of `infer` for the whole dataset
(`loop.batch.list_batch`), passed through once. The catalogue is made as the store keeps it, by
`--part` images a file. The listing is a generated stream of objects behind `ArtifactStore.walk`,
since a bucket of a million keys is nothing to make for a benchmark: no time of a server is in
these figures. Of the keys one in a hundred is new, changed and gone each.

Each size is measured in a process of its own, in a median of `--rounds`; the memory is the peak
of the largest.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from figures import Figure, add_record, tell

GIB = 1 << 30


def key_of(number: int) -> str:
    """Key of an image; a thousand lie in one folder."""
    return f"images/batch-{number // 1000:05d}/photo-{number:08d}.jpg"


def etag_of(number: int) -> str:
    """As buckets tell it."""
    return f'"{number:032x}"'


def make_catalogue(folder: Path, count: int, part: int) -> None:
    """Write the catalogue of a dataset, as `infer` does."""
    series = folder / "datasets" / "d" / "images"
    series.mkdir(parents=True)
    for index, start in enumerate(range(0, count, part), start=1):
        entries = {
            key_of(n): [f"{n:064x}", etag_of(n), 100_000 + n % 1000]
            for n in range(start, min(start + part, count))
        }
        (series / f"{index:06d}.json").write_text(json.dumps(entries))


def measure(store: Path, count: int) -> dict[str, float]:
    """Seconds of each step over a catalogue that was made, and the peak of memory; in this
    process."""
    from types import SimpleNamespace
    from typing import Any, cast

    from annolooop.loop.embed.batch import list_batch
    from annolooop.loop.push.changes import find_changes
    from annolooop.storage.artifacts.store import ArtifactStore, StoredObject
    from annolooop.storage.images import ImageCatalog

    class Store(ArtifactStore):
        """A folder, but for its images."""

        def walk(self, prefix: str) -> Iterator[StoredObject]:
            if prefix != "images":
                yield from super().walk(prefix)
                return
            for n in range(count):
                if n % 100 != 7:  # that one is gone
                    changed = n % 100 == 3
                    yield StoredObject(key_of(n), 100_000, etag_of(n + count if changed else n))
                if n % 100 == 9:
                    yield StoredObject(f"{key_of(n)}.new.jpg", 100_000, etag_of(n))

    found: dict[str, float] = {}

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        begun, worked = time.perf_counter(), time.process_time()
        yield
        found[step] = time.perf_counter() - begun
        found[f"{step}, processor"] = time.process_time() - worked

    with tempfile.TemporaryDirectory() as cache:

        def opened() -> ImageCatalog:
            return ImageCatalog(Store(str(store)), "d", Path(cache) / "catalogue.sqlite")

        with timed("cold"):
            opened().index.close()
        with timed("warm"):
            catalog = opened()
        with timed("look"):
            stack = SimpleNamespace(catalog=catalog, store=Store(str(store)))
            watched = find_changes(cast(Any, stack))
        told = [len(keys) for keys in (watched.new, watched.changed, watched.vanished)]
        if told != [len(range(first, count, 100)) for first in (9, 3, 7)]:
            sys.exit(f"of {count} keys, new, changed and gone are said to be {told}")
        with timed("plan"):
            listing = list_batch(None, Store(str(store)), catalog)
            known = sum(source.sha256 is not None for source in listing.sources)
        if known != count - told[1] - told[2]:
            sys.exit(f"{known} are known to be the same")
        catalog.index.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found["peak"] = peak * (1 if sys.platform == "darwin" else 1024)
    return found


def run(count: int, part: int, rounds: int) -> dict[str, float]:
    """The median of each step over some rounds, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        make_catalogue(Path(folder), count, part)
        command = [sys.executable, __file__, "--measure", folder, "--keys", str(count)]
        all_found = [
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(rounds)
        ]
    return {step: median(found[step] for found in all_found) for step in all_found[0]}


def main() -> int:
    """Measure both sizes and tell the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000, help="the larger size")
    parser.add_argument("--small", type=int, default=10_000, help="the smaller size")
    parser.add_argument("--part", type=int, default=500, help="images in a file of the catalogue")
    parser.add_argument("--rounds", type=int, default=3, help="of the smaller size")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    add_record(parser)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.keys)))
        return 0
    large, small = run(args.keys, args.part, 1), run(args.small, args.part, args.rounds)
    steps = ("cold", "warm", "look", "plan")
    for step in steps:
        print(
            f"{step}: {large[step]:.2f} s and {small[step]:.3f} s; of the processor's "
            f"{large[f'{step}, processor']:.2f} s and {small[f'{step}, processor']:.3f} s"
        )

    def each(found: dict[str, float], count: int, names: tuple[str, ...]) -> float:
        return sum(found[name] for name in names) / count * 1e6

    name = f"listing and planning {args.keys:,} keys"
    figures = [
        Figure(
            name,
            "peak memory over 1 GiB",
            f"{large['peak'] / 1e6:.0f} MB over {GIB / 1e6:.0f} MB",
            large["peak"] / GIB,
            1,
            at_least=False,
        )
    ]
    for kind, names, target in (
        ("the first time", steps, 1.5),
        ("with a local copy of the catalogue", steps[1:], 1.5),
    ):
        many, few = each(large, args.keys, names), each(small, args.small, names)
        figures.append(
            Figure(
                f"{name}, {kind}",
                f"time per key over that at {args.small:,}",
                f"{many:.2f} us over {few:.2f} us",
                many / few,
                target,
                at_least=False,
            )
        )
    return tell(figures, args.record)


if __name__ == "__main__":
    sys.exit(main())
