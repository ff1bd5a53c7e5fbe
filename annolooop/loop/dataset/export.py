"""Write the labels of a dataset in a form that other programs read."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from annolooop.domain.annotations import UNSENT
from annolooop.domain.answers import count_tasks
from annolooop.domain.examples import Example, fingerprint
from annolooop.domain.figures import SplitCounts
from annolooop.domain.progress import Track, left_out
from annolooop.domain.split import split_of
from annolooop.domain.tasks import Image
from annolooop.errors import DataError, UsageError
from annolooop.files.names import file_names, folder_names, typed_path
from annolooop.files.publish import Draft, check_target, publishing
from annolooop.files.tables import Row, check_table, write_table
from annolooop.loop.dataset.formats import FORMATS, Format, load_line
from annolooop.loop.dataset.layouts import Item, write_class_folders, write_coco, write_hf
from annolooop.loop.dataset.task_file import Task, live_tasks, stored_tasks, write_tasks
from annolooop.loop.labels.current import Labels, read_labels
from annolooop.loop.labels.why_none import nothing_labelled, unreadable_answers
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefetch import prefetch
from annolooop.storage.images import IMAGES, Lost, read_image, read_images


@dataclass(frozen=True)
class ExportReport:
    """What `dataset export` wrote.

    Attributes:
        load: a line of Python that loads what was written; empty for ``label-studio``.
        live, why_not_live, as_of: as in :class:`DescribeReport`.
        snapshot: number of the snapshot that holds just these annotations, or 0.
        written: images, or tasks for ``label-studio``.
        train, holdout, labels: labelled images among them.
        accepted: those whose label was accepted from a model, by `dataset accept`.
        folders: label -> name of its folder, for formats that have such.
        left_out: ``file`` and ``reason`` of labelled images that could not be written, or whose
            label the dataset does not have, and of answers that cannot be read.
        unlabeled: images of the dataset that have no current label.
        skipped: tasks that were only skipped.
        empty: tasks with an annotation that says nothing, and no answer.
        disputed: images that have no label since people disagree.
        other_answers: images that have none since people gave one of ``dataset.other_answers``.
    """

    dataset: str
    format: str
    out: str
    load: str
    split: str
    live: bool
    why_not_live: str
    snapshot: int
    as_of: str
    written: int
    train: int
    holdout: int
    accepted: int
    labels: dict[str, SplitCounts]
    folders: dict[str, str]
    fingerprint: str
    left_out: tuple[dict[str, str], ...]
    unlabeled: int
    skipped: int
    empty: int
    disputed: int
    other_answers: int
    seconds: float


ELSEWHERE = "its image is not in the store, so only Label Studio can export it"


@dataclass(frozen=True)
class ExportOptions:
    """What to write, and where.

    Attributes:
        format: a name of ``FORMATS``.
        out: the folder or file to make.
        split: ``all``, ``train`` or ``holdout``.
        overwrite: replace an earlier export.
        offline: take the last snapshot, and do not ask Label Studio.
        accepted: write labels that were accepted unseen, too.
        snapshot: number of a snapshot to take, instead of Label Studio; 0 for none.
    """

    format: str
    out: Path
    split: str = "all"
    overwrite: bool = False
    offline: bool = False
    accepted: bool = True
    snapshot: int = 0


def export(stack: Stack, name: str, options: ExportOptions, track: Track) -> ExportReport:
    """Write the current labels; nothing of the dataset changes.

    Raises:
        UsageError: the format or the place does not fit.
        ConfigError: the format needs a package that is not installed.
        DataError: there is no such dataset, or nothing of it to export.
        UnreachableError: Label Studio or the store fails.
    """
    begun = time.monotonic()
    out, form = _check(stack, options)
    labels = read_labels(stack, name, options.offline, options.snapshot)
    if form.single and labels.rules.choice == "multiple":
        raise UsageError(
            f"--format {options.format} has room for one label of an image, and the images of "
            f"{name} may have several",
            "Use: --format hf, coco, csv, jsonl or parquet",
        )
    work = _Work(stack, labels, options, track)
    with publishing(out, not form.suffix, options.overwrite) as draft:
        work.write(draft, form)
        if not work.written:
            raise _nothing(labels, work, options.split)
        draft.manifest = work.manifest()
    return work.report(out, time.monotonic() - begun)


def _check(stack: Stack, options: ExportOptions) -> tuple[Path, Format]:
    form = FORMATS[options.format]
    out = typed_path(options.out).resolve()
    if form.suffix and out.suffix != form.suffix:
        raise UsageError(
            f"--out {options.out}: --format {options.format} writes a {form.suffix} file",
            f"For example: --out {quote(f'{out.stem}{form.suffix}')}",
        )
    if options.format == "label-studio" and not options.accepted:
        raise UsageError(
            "--no-accepted does not go with --format label-studio, which writes all answers",
            "Leave it out: accepted predictions are those with a score in their result.",
        )
    store = stack.store.local_path
    if store and out.is_relative_to(store.resolve()):
        raise UsageError(f"--out {options.out} is in the artifact store", "Name another place.")
    check_target(out, not form.suffix, options.overwrite)
    check_table(form.suffix)
    return out, form


class _Work:
    """One export, and what is counted on the way."""

    def __init__(self, stack: Stack, labels: Labels, options: ExportOptions, track: Track) -> None:
        self._stack, self._labels, self._options = stack, labels, options
        self._track = track
        self._catalog = stack.catalog_of(labels.dataset)
        self._examples = sorted(
            (e for e in self._labelled() if options.split in ("all", e.split)),
            key=lambda e: e.key,
        )
        self._accepted_at = {
            a.sha256: a.updated_at for a in labels.snapshot.annotations if a.accepted
        }
        self._folders: dict[str, str] = {}
        keys, unknown = labels.keys(), labels.found.unknown
        self.left_out: dict[str, str] = {keys[sha256]: why for sha256, why in unknown.items()}
        self._unsent: list[int] = []
        self.written = 0
        self._accepted = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._sides: Counter[str] = Counter()

    def _labelled(self) -> list[Example]:
        return [*self._labels.examples, *(self._labels.accepted if self._options.accepted else ())]

    def write(self, draft: Draft, form: Format) -> None:
        """Write everything in one form."""
        choice = self._labels.rules.choice
        split = self._options.split
        splits = {s: folder for s, folder in form.splits.items() if split in ("all", s)}
        if self._options.format == "label-studio":
            self.written = write_tasks(draft.path, self._tasks())
        elif form.suffix:
            several = choice == "multiple"
            columns = {
                "key": "text",
                "path": "text",
                "sha256": "text",
                **({"labels": "texts"} if several else {"label": "text"}),
                "split": "text",
                "annotators": "numbers",
                "updated_at": "text",
                "accepted_by": "text",
            }
            write_table(draft.path, form.suffix, columns, self._rows(several))
        elif form.single:
            self._folders = folder_names(self._labels.order)
            write_class_folders(draft.path, self._items(), splits, self._folders)
        elif self._options.format == "coco":
            write_coco(draft.path, self._items(), splits, self._labels.order)
        else:
            write_hf(draft.path, self._items(), splits, choice)

    def _items(self) -> Iterator[Item]:
        names = file_names((e.key for e in self._labelled()), f"{IMAGES}/")
        examples = self._track(self._examples, "export")
        images = (Image(example.key, example.sha256) for example in examples)
        read = read_images(self._stack.store, images)
        for example, (image, data) in zip(self._examples, read, strict=True):
            if isinstance(data, Lost):
                self.left_out[image.key] = str(data)
            else:
                yield Item(example, names[example.key], data)
                self._count(example)

    def _rows(self, several: bool) -> Iterator[Row]:
        answers = self._labels.answers()
        reasons = prefetch(self._why_missing, self._examples, self._stack.store.at_once)
        for example in self._track(self._examples, "export"):
            if reason := next(reasons):
                self.left_out[example.key] = reason
                continue
            people = answers.get(example.sha256, [])  # none where a prediction was accepted
            who = {a.annotator for a in people if a.annotator is not None}
            yield {
                "key": example.key,
                "path": self._stack.store.place(example.key),
                "sha256": example.sha256,
                **({"labels": list(example.labels)} if several else {"label": example.labels[0]}),
                "split": example.split,
                "annotators": sorted(who),
                "updated_at": people[-1].updated_at
                if people
                else self._accepted_at[example.sha256],
                "accepted_by": example.accepted,
            }
            self._count(example)

    def _tasks(self) -> Iterator[Task]:
        """Tasks that someone annotated or skipped, with all their annotations."""
        labels, project = self._labels, self._labels.project
        rules = labels.rules
        if project:
            tasks = live_tasks(self._stack, project.id, True, self._unsent)
        else:
            tasks = stored_tasks(self._stack, self._catalog, labels.snapshot)
            for a in labels.snapshot.annotations:
                if not a.key:
                    self.left_out[f"task {a.task}"] = ELSEWHERE
        for task in self._track(tasks, "export"):
            sha256 = str(task["data"].get("sha256", ""))
            side = split_of(sha256, rules.holdout, rules.recorded) if sha256 else ""
            if self._options.split in ("all", side):
                yield task
        self.left_out |= {f"task {number}": UNSENT for number in self._unsent}
        for example in self._examples:
            self._count(example)

    def _why_missing(self, example: Example) -> str | None:
        """Why what was labelled is not there; read only if the store lists a change."""
        with suppress(KeyError):
            known = self._catalog.known(self._stack.store.info(example.key))
            if known and known.sha256 == example.sha256:
                return None
        try:
            read_image(self._stack.store, Image(example.key, example.sha256))
        except Lost as error:
            return str(error)
        return None

    def _count(self, example: Example) -> None:
        if self._options.format != "label-studio":
            self.written += 1
        self._sides[example.split] += 1
        self._accepted += bool(example.accepted)
        self._counts.update((label, example.split) for label in example.labels)

    def _label_counts(self) -> dict[str, SplitCounts]:
        return {
            label: SplitCounts(self._counts[label, "train"], self._counts[label, "holdout"])
            for label in self._labels.order
        }

    def manifest(self) -> dict[str, Any]:
        """What is written beside the export."""
        labels = self._labels
        return {
            "dataset": labels.dataset,
            "format": self._options.format,
            "split": self._options.split,
            "live": labels.live,
            "snapshot": labels.snapshot.number,
            "as_of": labels.snapshot.created_at,
            "choice": labels.rules.choice,
            "agreement": labels.rules.agreement,
            "holdout": labels.rules.holdout,
            "fingerprint": fingerprint(labels.examples),
            "written": self.written,
            "accepted": self._accepted,
            "labels": {name: vars(counts) for name, counts in self._label_counts().items()},
            "folders": self._folders,
        }

    def report(self, out: Path, seconds: float) -> ExportReport:
        """What was written, and what was not."""
        labels = self._labels
        labelled = {example.sha256 for example in self._labelled()}
        known = {image.sha256 for image in self._catalog.images()}
        counts = count_tasks(labels.snapshot.annotations, labels.rules.choice)
        return ExportReport(
            dataset=labels.dataset,
            format=self._options.format,
            out=str(out),
            load=load_line(self._options.format, self._options.split, out),
            split=self._options.split,
            live=labels.live,
            why_not_live=labels.why_not,
            snapshot=labels.snapshot.number,
            as_of=labels.snapshot.created_at,
            written=self.written,
            train=self._sides["train"],
            holdout=self._sides["holdout"],
            accepted=self._accepted,
            labels=self._label_counts(),
            folders=self._folders,
            fingerprint=fingerprint(labels.examples),
            left_out=(
                *left_out(self.left_out.items()),
                *unreadable_answers(labels.snapshot),
            ),
            unlabeled=len(known - labelled),
            skipped=counts.skipped,
            empty=counts.empty,
            disputed=len(labels.found.disputed),
            other_answers=len(labels.found.other),
            seconds=round(seconds, 3),
        )


def _nothing(labels: Labels, work: _Work, split: str) -> DataError:
    if not labels.examples:
        rules = labels.rules
        return nothing_labelled(
            labels.dataset, labels.snapshot.annotations, rules.choice, labels.found, labels.live
        )
    if work.left_out:
        file, reason = next(iter(work.left_out.items()))
        return DataError(
            f"none of the {len(work.left_out)} labelled images of {labels.dataset} can be "
            f"exported: {file}: {reason}",
            "Start Label Studio: annoloop up"
            if reason == ELSEWHERE
            else "Put the images back into the store, then type the same command again.",
        )
    return DataError(
        f"no labelled image of {labels.dataset} is in the part {split} of the split",
        f"Leave --split out, or annotate more: annoloop dataset launch {quote(labels.dataset)}",
    )
