"""Replay a folder of labelled images: which strategy would have needed fewer labels."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import numpy as np

from annolooop.domain.progress import Track, left_out
from annolooop.domain.split import split_of
from annolooop.domain.versions import BackboneInfo
from annolooop.errors import DataError, UsageError
from annolooop.files.tables import TABLES, check_table, write_table
from annolooop.files.whole import replacing
from annolooop.loop.infer.write import explained
from annolooop.loop.simulate.embed import FolderEmbedder, FolderEmbeddings
from annolooop.loop.simulate.folder import LabelledFolder, names_of, read_folder, require_two
from annolooop.loop.simulate.replay import Curve, ReplayImages, ReplayPlan, replays, share_of
from annolooop.model.choosing.choose import check_strategy
from annolooop.stack import Stack


@dataclass(frozen=True)
class SimulatedPoint:
    """Accuracy on the test images after so many labels: mean and standard error over the seeds."""

    labels: int
    accuracy: float
    error: float


@dataclass(frozen=True)
class SimulatedStrategy:
    """One strategy of `simulate`.

    Attributes:
        name: of the strategy.
        points: after each round.
        needed: labels for the accuracy that ``random`` has with all of the budget; ``None`` where
            they do not suffice.
        saved: share of the budget that this leaves; below 0 it would be.
        error: standard error of ``saved``, by the jackknife over the seeds.
    """

    name: str
    points: tuple[SimulatedPoint, ...]
    needed: float | None
    saved: float | None
    error: float


@dataclass(frozen=True)
class SimulateReport:
    """A folder of labelled images, labelled again by each strategy.

    Attributes:
        folder: as it was named.
        images: that take part, each content once.
        pool: of these, how many may be asked about.
        test: of these, how many are used to measure accuracy.
        labels: names, sorted.
        seeds: replays of each strategy.
        query: labels a round.
        budget: labels in all.
        backbone: what the embeddings come from.
        embedded: images that were embedded now; the others were kept in the cache.
        strategies: in the order of the command line, ``random`` among them.
        left_out: files with reasons.
        seconds: it took.
        out, plot: files that were written.
    """

    folder: str
    images: int
    pool: int
    test: int
    labels: tuple[str, ...]
    seeds: int
    query: int
    budget: int
    backbone: BackboneInfo
    embedded: int
    strategies: tuple[SimulatedStrategy, ...]
    left_out: tuple[dict[str, str], ...]
    seconds: float
    out: str | None = None
    plot: str | None = None


BASELINE = "random"
TEST = 0.25  # share of the images that is never asked about, by the hash of their content
IMAGES_OF_EACH_PART = 5  # images of each part
COLUMNS = {"strategy": "text", "seed": "real", "labels": "real", "accuracy": "real"}


@dataclass(frozen=True)
class SimulateOptions:
    """What to replay.

    Attributes:
        images: a folder with a folder of images for each label.
        strategies: names of ``STRATEGIES``; ``random`` is added, as all are compared with it.
        seeds: replays of each.
        query: labels a round.
        budget: labels in all.
        out: table to write, a row for each round of each replay.
        plot: page to write, ``.html``.
    """

    images: Path
    strategies: tuple[str, ...] = ("auto", BASELINE)
    seeds: int = 5
    query: int = 20
    budget: int = 500
    out: Path | None = None
    plot: Path | None = None


def simulate(stack: Stack, options: SimulateOptions, track: Track) -> SimulateReport:
    """Replay; the dataset and Label Studio play no part, and nothing of them changes.

    Raises:
        UsageError: there is no such folder or strategy, or what to write has no known form.
        ConfigError: what to write needs a package that is not installed.
        DataError: the folder has too few labels or images.
    """
    begun = time.monotonic()
    strategies = _check(options)
    folder = read_folder(options.images, track)
    embedded = FolderEmbedder(stack).embed(folder, track)
    require_two(options.images, names_of(folder, embedded.vectors))
    images, hashes = split(folder, embedded)
    plan = ReplayPlan(options.query, options.budget, tuple(range(options.seeds)))
    curves = replays(images, strategies, plan, track)
    if options.out:
        with explained(f"--out {options.out}"), replacing(options.out) as part:
            write_table(part, options.out.suffix, COLUMNS, _rows(curves))
    if options.plot:
        from annolooop.loop.simulate.plot import draw_curves

        with explained(f"--plot {options.plot}"):
            title = f"{options.images.resolve().name}: {len(hashes)} images"
            draw_curves(options.plot, curves, title)
    skipped = (*folder.left_out, *embedded.unreadable)
    return SimulateReport(
        folder=str(options.images),
        images=len(hashes),
        pool=len(images.pool),
        test=len(images.test),
        labels=names_of(folder, hashes),
        seeds=options.seeds,
        query=options.query,
        budget=int(curves[BASELINE].labels[-1]),
        backbone=embedded.info,
        embedded=embedded.new,
        strategies=tuple(_summary(name, curve, curves[BASELINE]) for name, curve in curves.items()),
        left_out=left_out(skipped),
        seconds=time.monotonic() - begun,
        out=str(options.out) if options.out else None,
        plot=str(options.plot) if options.plot else None,
    )


def _check(options: SimulateOptions) -> tuple[str, ...]:
    """The strategies to replay, the baseline with them; refuse at once what cannot work."""
    for name in options.strategies:
        check_strategy(name)
    if options.out:
        if options.out.suffix not in TABLES:
            raise UsageError(
                f"--out {options.out}: the name must end in one of {', '.join(TABLES)}",
                f"For example: --out {quote(f'{options.out.stem}.csv')}",
            )
        check_table(options.out.suffix)
    if options.plot:
        from annolooop.loop.simulate.plot import check_plot

        check_plot(options.plot)
    for file in (options.out, options.plot):
        if file and not file.parent.is_dir():
            raise UsageError(f"there is no folder {file.parent}", "Make it, or name another one.")
    return tuple(dict.fromkeys((*options.strategies, BASELINE)))


def split(folder: LabelledFolder, embedded: FolderEmbeddings) -> tuple[ReplayImages, list[str]]:
    """Part the images into those that may be asked about and test images.

    By the parts that the folder has, else by their hashes.

    Raises:
        DataError: too few images.
    """
    hashes = sorted(embedded.vectors)
    parts = folder.tested
    drawn = (split_of(h, TEST) == "holdout" if parts is None else h in parts for h in hashes)
    tested = np.array(list(drawn), bool)
    if min(tested.sum(), (~tested).sum()) < IMAGES_OF_EACH_PART:
        raise DataError(
            f"a replay needs about {round(IMAGES_OF_EACH_PART / TEST)} readable images, and there "
            f"are {len(hashes)}",
            "Name a folder with more images: --images FOLDER",
        )
    names = names_of(folder, hashes)
    x = np.stack([embedded.vectors[sha256] for sha256 in hashes])
    targets = np.array([[folder.labels[h] == name for name in names] for h in hashes], bool)
    return ReplayImages(x[~tested], targets[~tested], x[tested], targets[tested]), hashes


def _summary(name: str, curve: Curve, baseline: Curve) -> SimulatedStrategy:
    end = float(baseline.labels[-1])
    share, error = share_of(curve, baseline, end)
    points = zip(curve.labels, curve.mean, curve.error, strict=True)
    return SimulatedStrategy(
        name=name,
        points=tuple(SimulatedPoint(int(n), float(a), float(e)) for n, a, e in points),
        needed=None if share is None else share * end,
        saved=None if share is None else 1 - share,
        error=error,
    )


def _rows(curves: Mapping[str, Curve]) -> Iterator[dict[str, object]]:
    for name, curve in curves.items():
        for seed, row in enumerate(curve.accuracy):
            for labels, accuracy in zip(curve.labels, row, strict=True):
                yield {
                    "strategy": name,
                    "seed": seed,
                    "labels": int(labels),
                    "accuracy": float(accuracy),
                }
