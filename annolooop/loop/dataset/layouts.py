"""How exported images lie in folders, and what is written beside them."""

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from annolooop.domain.examples import Example


@dataclass(frozen=True)
class Item:
    """One image to be written.

    Attributes:
        example: the image and its labels.
        name: of the file.
        data: its bytes.
    """

    example: Example
    name: str
    data: bytes


def write_class_folders(
    root: Path, items: Iterator[Item], sides: Mapping[str, str], folders: Mapping[str, str]
) -> None:
    """``<side>/<label>/<name>``: torchvision's ImageFolder, and Ultralytics' classification.

    Every label that some image has gets a folder on every side, if only an empty one: loaders
    number the labels by their folders, and both sides must come to the same numbers.

    Args:
        root: an empty folder.
        items: each with one label.
        sides: side of the split -> name of its folder; all that are exported.
        folders: label -> name of its folder.
    """
    for item in items:
        (label,) = item.example.labels
        for side in sides.values():
            (root / side / folders[label]).mkdir(parents=True, exist_ok=True)
        file = root / sides[item.example.split] / folders[label] / item.name
        file.write_bytes(item.data)


def write_coco(
    root: Path, items: Iterator[Item], sides: Mapping[str, str], labels: Sequence[str]
) -> None:
    """COCO with labels of whole images: ``images/<side>/``, ``annotations/labels_<side>.json``.

    An annotation has ``image_id`` and ``category_id``, and neither box nor segmentation.

    Args:
        labels: become the categories, numbered from 1.
    """
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    images: dict[str, list[dict[str, Any]]] = {side: [] for side in sides.values()}
    annotations: dict[str, list[dict[str, Any]]] = {side: [] for side in sides.values()}
    given = 0
    for number, item in enumerate(items, start=1):
        side = sides[item.example.split]
        _write(root / "images" / side / item.name, item.data)
        width, height = _size(item.data)
        images[side].append(
            {
                "id": number,
                "file_name": item.name,
                "width": width,
                "height": height,
                "key": item.example.key,
            }
        )
        for label in item.example.labels:
            given += 1
            annotation = {"id": given, "image_id": number, "category_id": numbers[label]}
            annotations[side].append(annotation)
    for side in sides.values():
        body = {
            "images": images[side],
            "categories": [{"id": n, "name": label} for label, n in numbers.items()],
            "annotations": annotations[side],
        }
        text = json.dumps(body, ensure_ascii=False)
        _write(root / "annotations" / f"labels_{side}.json", text.encode())


def write_hf(root: Path, items: Iterator[Item], sides: Mapping[str, str], choice: str) -> None:
    """``<side>/<name>`` and ``<side>/metadata.jsonl``: ImageFolder of Hugging Face's datasets.

    The column is ``label``, a text; or ``labels``, a list of texts, for multiple choice.
    """
    lines: dict[str, list[str]] = defaultdict(list)
    for item in items:
        side, example = sides[item.example.split], item.example
        _write(root / side / item.name, item.data)
        said = {"label": example.labels[0]} if choice == "single" else {"labels": example.labels}
        row = {"file_name": item.name, **said, "key": example.key, "sha256": example.sha256}
        lines[side].append(json.dumps(row, ensure_ascii=False) + "\n")
    for side, rows in lines.items():
        _write(root / side / "metadata.jsonl", "".join(rows).encode())


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _size(data: bytes) -> tuple[int, int]:
    """Width and height, from the head of a file; zeros where it cannot be read."""
    try:
        with Picture.open(io.BytesIO(data)) as picture:
            return int(picture.width), int(picture.height)
    except (OSError, ValueError, Picture.DecompressionBombError):
        return 0, 0
