"""Replay a folder of labelled images: which strategy would have needed fewer labels."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import numpy as np

from annolooop.domain.progress import Track, left_out
from annolooop.domain.split import split_of
from annolooop.domain.versions import BackboneInfo
from annolooop.errors import DataError, UsageError
from annolooop.files.tables import TABLES, check_table, write_table
from annolooop.files.whole import make_folder, replacing
from annolooop.loop.infer.write import explained
from annolooop.loop.simulate.replay import Curve, Material, Plan, replays, share_of
from annolooop.model.choosing.choose import check_strategy
from annolooop.stack import Stack
from annolooop.storage.artifacts.folder import files_below
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.embeddings.embeddings import Embeddings, Vector, embedding_set_of

if TYPE_CHECKING:
    from annolooop.model.backbones.pipeline import Pipeline


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
        test: of these, how many accuracy is told from.
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
FOLDER = "simulate"  # of the cache
KEPT = 256  # embeddings that are kept at a time
READ = 4_096  # embeddings that are read at a time
TEST = 0.25  # share of the images that is never asked about, by the hash of their content
FEWEST = 5  # images on either side
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


@dataclass(frozen=True)
class Labelled:
    """Files of a folder, each content once.

    Attributes:
        files: content hash -> a file.
        labels: content hash -> its label.
        names: the labels, sorted.
        left_out: files with reasons.
    """

    files: dict[str, Path]
    labels: dict[str, str]
    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def simulate(stack: Stack, options: SimulateOptions, track: Track) -> SimulateReport:
    """Replay; the dataset and Label Studio play no part, and nothing of them changes.

    Raises:
        UsageError: there is no such folder or strategy, or what to write has no known form.
        ConfigError: what to write needs a package that is not installed.
        DataError: the folder has too few labels or images.
    """
    begun = time.monotonic()
    strategies = _check(options)
    found = read_folder(options.images, track)
    embedded = Embedder(stack).embed(found, track)
    _need_two(options.images, names_of(found, embedded.vectors))
    material, hashes = split(found, embedded)
    plan = Plan(options.query, options.budget, tuple(range(options.seeds)))
    curves = replays(material, strategies, plan, track)
    if options.out:
        with explained(f"--out {options.out}"), replacing(options.out) as part:
            write_table(part, options.out.suffix, COLUMNS, _rows(curves))
    if options.plot:
        from annolooop.loop.simulate.plot import draw_curves

        with explained(f"--plot {options.plot}"):
            title = f"{options.images.resolve().name}: {len(hashes)} images"
            draw_curves(options.plot, curves, title)
    refused = (*found.left_out, *embedded.unreadable)
    return SimulateReport(
        folder=str(options.images),
        images=len(hashes),
        pool=len(material.pool),
        test=len(material.test),
        labels=names_of(found, hashes),
        seeds=options.seeds,
        query=options.query,
        budget=int(curves[BASELINE].labels[-1]),
        backbone=embedded.info,
        embedded=embedded.new,
        strategies=tuple(_told(name, curve, curves[BASELINE]) for name, curve in curves.items()),
        left_out=left_out(refused),
        seconds=time.monotonic() - begun,
        out=str(options.out) if options.out else None,
        plot=str(options.plot) if options.plot else None,
    )


def _check(options: SimulateOptions) -> tuple[str, ...]:
    """The strategies to replay, the baseline with them; refuse what cannot work, before work."""
    for name in options.strategies:
        check_strategy(name)
    if options.out:
        if options.out.suffix not in TABLES:
            raise UsageError(
                f"--out {options.out}: the end of the name says the form, and is none of "
                f"{', '.join(TABLES)}",
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


def read_folder(folder: Path, track: Track) -> Labelled:
    """Files in folders that are named like their labels.

    Raises:
        UsageError: there is no such folder.
        DataError: it has not two folders with files.
    """
    if not folder.is_dir():
        raise UsageError(f"--images {folder}: there is no such folder", "Name one that is there.")
    refused: list[tuple[str, str]] = []
    pairs = list(_files(folder, refused))
    files: dict[str, Path] = {}
    labels: dict[str, str] = {}
    torn: set[str] = set()
    for label, file in track(pairs, "read", len(pairs)):
        try:
            sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            refused.append((str(file), error.strerror or str(error)))
            continue
        if labels.setdefault(sha256, label) != label:
            torn.add(sha256)
            refused.append((str(file), f"has the same content as {files[sha256]}, another label"))
        files.setdefault(sha256, file)
    for sha256 in torn:
        refused.append((str(files.pop(sha256)), "has two labels"))
        del labels[sha256]
    found = Labelled(files, labels, tuple(sorted(set(labels.values()))), tuple(refused))
    _need_two(folder, found.names)
    return found


def _need_two(folder: Path, names: Sequence[str]) -> None:
    if len(names) < 2:
        raise DataError(
            f"{folder} has images of {len(names)} label{'s' if not names else ''}; a replay needs "
            "two or more",
            "Put the images of each label into a folder of their own there, named like the label.",
        )


def names_of(found: Labelled, hashes: Iterable[str]) -> tuple[str, ...]:
    """The labels of some contents, sorted."""
    return tuple(sorted({found.labels[sha256] for sha256 in hashes}))


def _files(folder: Path, refused: list[tuple[str, str]]) -> Iterator[tuple[str, Path]]:
    """Label and file, of all files in folders below one; also notes what could not be read."""

    def hidden(path: str) -> bool:
        return path.split("/")[-1].startswith(".")

    for inner in sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith(".")):

        def lost(path: str, why: str, inner: Path = inner) -> None:
            refused.append((str(inner / path), why))

        try:
            for name, _ in files_below(str(inner), hidden, lambda link: True, lost):
                yield inner.name, inner / name
        except OSError as error:
            refused.append((str(inner), error.strerror or str(error)))


def split(found: Labelled, embedded: "Embedded") -> tuple[Material, list[str]]:
    """What may be asked about and what is tested on; by a hash, so the same in each run.

    Raises:
        DataError: too few images.
    """
    hashes = sorted(embedded.vectors)
    sides = np.array([split_of(sha256, TEST) == "holdout" for sha256 in hashes], bool)
    if min(sides.sum(), (~sides).sum()) < FEWEST:
        raise DataError(
            f"a replay needs about {round(FEWEST / TEST)} images that can be read, and there are "
            f"{len(hashes)}",
            "Name a folder with more images: --images FOLDER",
        )
    names = names_of(found, hashes)
    x = np.stack([embedded.vectors[sha256] for sha256 in hashes])
    targets = np.array([[found.labels[h] == name for name in names] for h in hashes], bool)
    return Material(x[~sides], targets[~sides], x[sides], targets[sides]), hashes


@dataclass(frozen=True)
class Embedded:
    """Embeddings by content hash.

    Attributes:
        vectors: content hash -> (d,).
        info: the backbone.
        new: how many were computed now.
        unreadable: files with reasons.
    """

    vectors: Mapping[str, Vector]
    info: BackboneInfo
    new: int
    unreadable: tuple[tuple[str, str], ...]


class Embedder:
    """Embeddings of a folder, kept in the cache: a second run needs no network for them.

    Args:
        stack: says which backbone, and where the cache is.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._folder = make_folder(stack.cache / FOLDER)
        self._pipeline: Pipeline | None = None

    def embed(self, found: Labelled, track: Track) -> Embedded:
        """Embeddings of all that can be read."""
        info = self._known() or self._built().info
        exact = self._stack.config.infer.precision == "fp32"
        store = ArtifactStore(str(self._folder))
        kept = Embeddings(store, embedding_set_of(info), self._folder, exact)
        kept.load()
        hashes = sorted(found.files)
        lacking = sorted(kept.missing(hashes))
        unreadable = self._compute(lacking, found, kept, track) if lacking else {}
        there = [sha256 for sha256 in hashes if sha256 not in unreadable]
        vectors: dict[str, Vector] = {}
        for start in range(0, len(there), READ):
            part = there[start : start + READ]
            vectors.update(zip(part, kept.matrix(part), strict=True))
        refused = tuple((str(found.files[sha256]), why) for sha256, why in unreadable.items())
        return Embedded(vectors, info, len(lacking) - len(unreadable), refused)

    def _compute(
        self, lacking: Sequence[str], found: Labelled, kept: Embeddings, track: Track
    ) -> dict[str, str]:
        """Embed and keep; content hash -> reason of those that could not be read."""
        unreadable: dict[str, str] = {}
        waiting: dict[str, Vector] = {}
        pipeline = self._built()
        files = ((sha256, found.files[sha256].read_bytes()) for sha256 in lacking)
        for batch in pipeline.embed(track(files, "embed", len(lacking))):
            waiting.update(batch.vectors)
            unreadable.update(batch.unreadable)
            if len(waiting) >= KEPT:
                kept.add(waiting, pipeline.precision)
                waiting = {}
        kept.add(waiting, pipeline.precision)
        return unreadable

    def _built(self) -> "Pipeline":
        if self._pipeline is None:
            self._pipeline = self._stack.build_pipeline()
            text = json.dumps(asdict(self._pipeline.info))
            with replacing(self._note()) as part:
                part.write_text(text, encoding="utf-8")
        return self._pipeline

    def _known(self) -> BackboneInfo | None:
        """The backbone that these settings led to before: its weights need not be read again."""
        try:
            return BackboneInfo(**json.loads(self._note().read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _note(self) -> Path:
        """Where the backbone that these settings lead to is noted."""
        config = self._stack.config
        file = self._stack.loaded.path(config.model.weights)
        digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
        told = [config.model.backbone, config.model.weights, digest, config.train.seed]
        return self._folder / f"{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}.json"


def _told(name: str, curve: Curve, baseline: Curve) -> SimulatedStrategy:
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
