"""How fast `infer` is: over its bare forward, warm over cold, from a bucket over from a folder.

Measured is `infer` of `annolooop.loop.infer.infer`, as `annoloop infer --batch FOLDER --no-push
--out FILE` calls it, with a resnet18 of random weights (which computes what one of learnt weights
does):

- cold: the photos lie in a folder outside a new, empty store, so listing, reading, hashing, copying
  into the store, decoding, the forward, recording, and writing the predictions all count, and so
  does loading the backbone. Against it: the bare forward, `Backbone.embed` of pixels in memory, in
  the same process, precision and batch size; of one caller with all cores and of a caller for each
  core, the faster.
- large: the same with photos of 12 MP. Also against plain Pillow, which decodes the same files from
  memory with a thread for each core. It should be 2.5 times that, or 0.9 of the forward: decoding
  is most of what there is to do then, and a JPEG can be decoded at a part of its size.
- s3: cold, with the photos in a bucket of SeaweedFS on this machine, against cold from a folder.
- warm: the same photos again with another head; their embeddings are kept. In this process, after
  all imports; and as whole commands, each a process of its own.

In each round both sides are measured in turn; ratios are those of the medians.

Run it: python benchmarks/infer.py [--count N] [--large N] [--rounds N] [--images DIR]
[--only cold|large|s3|warm ...]

Exit status: 0 within the targets, 1 below one of them.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from figures import Figure, add_record, tell
from offline import again, cores, make_stack, put_in_force, put_photos
from PIL import Image

from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.stack import Stack

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.bucket_servers import seaweedfs

BACKBONE = "resnet18"
SMALL, LARGE = 0.2, 12  # megapixels
FORWARD_SECONDS = 4.0  # that a bare forward is timed for, at least
PARTS = ("cold", "large", "s3", "warm")


def main() -> int:
    """Measure, print, and tell by the exit status whether the targets are met."""
    args = _arguments()
    with TemporaryDirectory(prefix="annoloop-benchmark-") as temporary:
        bench = Bench(Path(temporary), args.rounds)
        figures = []
        if {"cold", "s3", "warm"} & set(args.only):
            batch = bench.folder / "small"
            count, kind = put_photos(batch, args.count, SMALL, args.images)
            what = f"{count:,} {kind}"
            local = bench.cold(batch, count, set(args.only) & {"cold"})
            if "cold" in args.only:
                figures.append(over_forward(f"infer, cold, {what}, local store", bench, *local))
            if "s3" in args.only:
                figures.append(bench.from_s3(batch, count, f"infer, cold, {what}, S3", local[0]))
            if "warm" in args.only:
                figures += bench.warm(batch, count, f"infer, warm, {what}")
        if "large" in args.only and args.images is None:
            batch = bench.folder / "large"
            count, kind = put_photos(batch, args.large, LARGE)
            figures.append(bench.large(batch, count, f"infer, cold, {count:,} {kind}, local store"))
        return tell(figures, args.record)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="infer over its bare forward, warm over cold.")
    parser.add_argument("--count", type=int, default=2000, metavar="N", help="default: 2000")
    parser.add_argument("--large", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="photos to use; default: generated ones"
    )
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="part to measure; repeatable; default: all"
    )
    add_record(parser)
    args = parser.parse_args()
    args.only = args.only or list(PARTS)
    if min(args.count, args.large, args.rounds) < 1:
        parser.error("--count, --large and --rounds must be at least 1")
    return args


class Bench:
    """What all parts share: a folder, a backbone and its pipeline.

    Attributes:
        folder: temporary.
        how: precision and batch size, in words.
    """

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self._rounds = rounds
        self._stores = 0
        pipeline: Pipeline = make_stack(folder / "first", BACKBONE).build_pipeline()
        self._backbone, self._weights = pipeline.backbone, pipeline.weights()
        self._batch: int = getattr(pipeline, "batch_size", None) or pipeline._batch_size
        self.how = f"{BACKBONE}, {pipeline.precision}, {self._batch} at a time"

    def cold(self, batch: Path, count: int, forward: object = True) -> tuple[float, float]:
        """Images a second, end to end and, if asked, of the bare forward."""
        rates: list[float] = []
        bare: list[float] = []
        for _ in range(self._rounds):
            if forward:
                bare.append(self.forward_rate(count))
            rates.append(count / self.run(self.new_stack(), str(batch), count))
        return statistics.median(rates), statistics.median(bare) if bare else 0.0

    def large(self, batch: Path, count: int, name: str) -> Figure:
        """Cold, over what of both it is nearest to being well above."""
        decoded: list[float] = []
        data = [file.read_bytes() for file in sorted(batch.iterdir())]
        rates: list[float] = []
        forward: list[float] = []
        for _ in range(self._rounds):
            decoded.append(decode_rate(data))
            forward.append(self.forward_rate(count))
            rates.append(count / self.run(self.new_stack(), str(batch), count))
        rate, plain, bare = (statistics.median(all_) for all_ in (rates, decoded, forward))
        told = f"{rate:.1f}/s, plain Pillow {plain:.1f}/s, forward {bare:.1f}/s"
        ways = [
            Figure(name, f"over plain Pillow on {cores()} cores", told, rate / plain, 2.5),
            Figure(name, f"over the bare forward ({self.how})", told, rate / bare, 0.9),
        ]
        return max(ways, key=lambda way: way.ratio / (way.target or 1))

    def from_s3(self, batch: Path, count: int, name: str, local: float) -> Figure:
        """Cold from a bucket, over cold from a folder."""
        rates = []
        with seaweedfs(self.folder / "seaweedfs") as server:
            access = {
                "endpoint": server.endpoint,
                "region": "us-east-1",
                "access_key": server.key,
                "secret_key": server.secret,
            }
            for number in range(self._rounds):
                url = f"s3://{server.bucket}/round-{number}"
                stack = self.new_stack({"store": {"url": url}, "s3": access})
                with ThreadPoolExecutor(16) as pool:
                    files = sorted(batch.iterdir())
                    puts = [(f"incoming/{file.name}", file.read_bytes()) for file in files]
                    list(pool.map(stack.store.put, *zip(*puts, strict=True)))
                rates.append(count / self.run(again(stack), "incoming", count))
        rate = statistics.median(rates)
        values = f"{rate:.1f}/s over {local:.1f}/s"
        return Figure(name, "images/s over the local store's", values, rate / local, 0.85)

    def warm(self, batch: Path, count: int, name: str) -> list[Figure]:
        """Warm over cold, in the process and as commands."""
        stack = self.new_stack()
        cold = self.run(stack, str(batch), count)
        warm = statistics.median(
            [self.warm_run(stack, str(batch), count, seed) for seed in range(1, self._rounds + 3)]
        )
        stack = self.new_stack()
        command_cold = self.command(stack, batch)
        times = []
        for seed in range(1, self._rounds + 1):
            put_in_force(stack, self._backbone.info, self._weights, seed)
            times.append(self.command(stack, batch))
        command_warm = statistics.median(times)
        return [
            Figure(
                name,
                "cold over warm, in the process",
                f"{cold:.2f} s over {1e3 * warm:.0f} ms",
                cold / warm,
                100,
            ),
            Figure(
                name,
                "cold over warm, the whole command",
                f"{command_cold:.2f} s over {command_warm:.2f} s",
                command_cold / command_warm,
                15,
            ),
        ]

    def warm_run(self, stack: Stack, batch: str, count: int, seed: int) -> float:
        """Seconds of a run with another head."""
        put_in_force(stack, self._backbone.info, self._weights, seed)
        return self.run(again(stack), batch, count, embedded=0)

    def new_stack(self, settings: dict[str, object] | None = None) -> Stack:
        """One with a store of its own, and a model."""
        self._stores += 1
        stack = make_stack(self.folder / f"stack-{self._stores}", BACKBONE, settings)
        put_in_force(stack, self._backbone.info, self._weights, 0)
        return stack

    def run(self, stack: Stack, batch: str, count: int, embedded: int | None = None) -> float:
        """Seconds of one run of `infer`, which must have done what was to be done."""
        out = self.folder / "predictions.csv"
        options = InferOptions(push=False, out=out)
        begun = time.perf_counter()
        report = infer(stack, batch, options, untracked)
        taken = time.perf_counter() - begun
        done = (report.images, report.embedded)
        if done != (count, count if embedded is None else embedded):
            raise SystemExit(f"{done} images and embedded, of {count}")
        return taken

    def command(self, stack: Stack, batch: Path) -> float:
        """Wall time of the whole command."""
        words = ("infer", "--batch", str(batch), "--no-push", "--quiet")
        which = ("--stack", str(stack.loaded.file), "--out", str(self.folder / "out.csv"))
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "annolooop", *words, *which], check=True, capture_output=True
        )
        return time.perf_counter() - begun

    def forward_rate(self, count: int) -> float:
        """Images a second of the bare forward: the faster of both ways to use the cores."""
        crop = self._backbone.transform.crop
        pixels = torch.randint(0, 256, (min(self._batch, count), 3, crop, crop), dtype=torch.uint8)
        pixels = pixels.contiguous(memory_format=torch.channels_last)

        def one() -> int:
            self._backbone.embed(pixels)
            return len(pixels)

        with threads(cores()):
            together = _rate(one)
        if cores() == 1 or self._backbone.device.type != "cpu":
            return together
        with ThreadPoolExecutor(cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            apart = _rate(lambda: sum(pool.map(lambda _: one(), range(cores()))))
        return max(together, apart)


def over_forward(name: str, bench: Bench, rate: float, bare: float) -> Figure:
    """The figure of a cold run."""
    over = f"end-to-end images/s over the bare forward's ({bench.how})"
    return Figure(name, over, f"{rate:.1f}/s over {bare:.1f}/s", rate / bare, 0.9)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Threads that torch computes with, for the length of a block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    yield
    torch.set_num_threads(before)


def _rate(work: Callable[[], int]) -> float:
    """What `work` says that it did, a second, after one call that is not counted."""
    work()
    done, begun = 0, time.perf_counter()
    while (taken := time.perf_counter() - begun) < FORWARD_SECONDS:
        done += work()
    return done / taken


def decode_rate(data: list[bytes]) -> float:
    """Images a second that plain Pillow decodes, on all cores."""

    def decode(one: bytes) -> None:
        Image.open(BytesIO(one)).convert("RGB")

    begun = time.perf_counter()
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(decode, data))
    return len(data) / (time.perf_counter() - begun)


if __name__ == "__main__":
    sys.exit(main())
