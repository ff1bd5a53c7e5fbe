"""`annoloop dataset export`: labels and images for other programs."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from annolooop.commands.dataset.arguments import NAME_IF_OTHER, OFFLINE
from annolooop.commands.wording import source
from annolooop.console.console import Console
from annolooop.errors import counted

if TYPE_CHECKING:
    from annolooop.loop.dataset.export import ExportReport


def export(
    console: Console,
    form: Annotated[
        Literal["imagefolder", "yolo", "hf", "coco", "csv", "jsonl", "parquet", "label-studio"],
        typer.Option("--format", metavar="FORMAT", help="One of the formats above."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder or file to write.")],
    name: NAME_IF_OTHER = None,
    split: Annotated[
        Literal["all", "train", "holdout"],
        typer.Option("--split", help="Part of the split: all, train, holdout."),
    ] = "all",
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier export.")] = False,
    offline: OFFLINE = False,
    accepted: Annotated[
        bool,
        typer.Option(
            "--accepted/--no-accepted",
            help="With or without labels that `dataset accept` accepted.",
        ),
    ] = True,
    snapshot: Annotated[
        int, typer.Option("--snapshot", help="Number of one of `dataset history`.")
    ] = 0,
) -> "ExportReport":
    """Write labels and images for other programs.

    Examples:
      annoloop dataset export --format csv --out labels.csv
      annoloop dataset export --format imagefolder --out photos-by-label

    Formats with a folder for each label, and copies of the images: imagefolder (torchvision), yolo
    (Ultralytics). With images and a file of labels: hf (Hugging Face datasets), coco. With a row
    for each image: csv, jsonl, parquet. With all annotations, for Label Studio: label-studio.
    Annotations are read from Label Studio; where it does not answer, from the last snapshot.
    """
    from annolooop.loop.dataset.export import ExportOptions, export
    from annolooop.stack import open_stack

    stack = open_stack(console)
    options = ExportOptions(form, out, split, overwrite, offline, accepted, snapshot)
    return export(stack, name or stack.config.dataset.name, options, console.track)


def print_export(console: Console, report: "ExportReport") -> None:
    """Print what was written, what it is based on, and what was left out."""
    what = "tasks" if report.format == "label-studio" else "images"
    console.print(f"{report.written} {what} written to {report.out}")
    if report.accepted:
        console.print(f"{report.accepted} of them were accepted from a model, seen by nobody")
    console.print(f"annotations from {source(report.live, report.as_of, report.why_not_live)}")
    console.table(
        ("label", "train", "holdout", ""),
        [
            (label, counts.train, counts.holdout, _folder(label, report.folders))
            for label, counts in report.labels.items()
        ],
    )
    console.reasons("left out", report.left_out)
    if report.unlabeled:
        console.print(
            f"not in it, because they have no label: {counted(report.unlabeled, 'image')} "
            f"({report.skipped} skipped, {report.disputed} disputed"
            + (f", {report.empty} with an answer that says nothing" if report.empty else "")
            + (f", {report.other_answers} with another answer" if report.other_answers else "")
            + ")"
        )
    for label in _labels_of_one_part(report):
        console.say(f"One part of the split has no image of {label}: its folder there is empty.")
    if report.load:
        console.print(f"to load it in Python: {report.load}")
    console.next(f"annoloop dataset describe {quote(report.dataset)}")


def _folder(label: str, folders: dict[str, str]) -> str:
    folder = folders.get(label, label)
    return "" if folder == label else f"in the folder {folder}"


def _labels_of_one_part(report: "ExportReport") -> list[str]:
    if not report.folders or report.split != "all":
        return []
    return [name for name, n in report.labels.items() if bool(n.train) != bool(n.holdout)]
