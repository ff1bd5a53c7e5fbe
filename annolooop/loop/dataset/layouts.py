"""How exported images lie in folders, and what is written beside them."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annolooop.domain.examples import Example
from annolooop.model.picture import picture_size


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
    root: Path, items: Iterator[Item], splits: Mapping[str, str], folders: Mapping[str, str]
) -> None:
    """``<split>/<label>/<name>``: torchvision's ImageFolder, and Ultralytics' classification.

    Every label that some image has gets a folder on every split, if only an empty one: loaders
    number the labels by their folders, and both parts of the split must get the same numbers.

    Args:
        root: an empty folder.
        items: each with one label.
        splits: part of the split -> name of its folder; all that are exported.
        folders: label -> name of its folder.
    """
    for item in items:
        (label,) = item.example.labels
        for split in splits.values():
            (root / split / folders[label]).mkdir(parents=True, exist_ok=True)
        file = root / splits[item.example.split] / folders[label] / item.name
        file.write_bytes(item.data)


def write_coco(
    root: Path, items: Iterator[Item], splits: Mapping[str, str], labels: Sequence[str]
) -> None:
    """COCO with labels of whole images: ``images/<split>/``, ``annotations/labels_<split>.json``.

    An annotation has ``image_id`` and ``category_id``, and neither box nor segmentation.

    Args:
        labels: become the categories, numbered from 1.
    """
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    images: dict[str, list[dict[str, Any]]] = {split: [] for split in splits.values()}
    annotations: dict[str, list[dict[str, Any]]] = {split: [] for split in splits.values()}
    last_id = 0
    for number, item in enumerate(items, start=1):
        split = splits[item.example.split]
        _write(root / "images" / split / item.name, item.data)
        width, height = picture_size(item.data)
        images[split].append(
            {
                "id": number,
                "file_name": item.name,
                "width": width,
                "height": height,
                "key": item.example.key,
            }
        )
        for label in item.example.labels:
            last_id += 1
            annotation = {"id": last_id, "image_id": number, "category_id": numbers[label]}
            annotations[split].append(annotation)
    for split in splits.values():
        body = {
            "images": images[split],
            "categories": [{"id": n, "name": label} for label, n in numbers.items()],
            "annotations": annotations[split],
        }
        text = json.dumps(body, ensure_ascii=False)
        _write(root / "annotations" / f"labels_{split}.json", text.encode())


def write_hf(root: Path, items: Iterator[Item], splits: Mapping[str, str], choice: str) -> None:
    """``<split>/<name>`` and ``<split>/metadata.jsonl``: ImageFolder of Hugging Face's datasets.

    The column is ``label``, a text; or ``labels``, a list of texts, for multiple choice.
    """
    lines: dict[str, list[str]] = defaultdict(list)
    for item in items:
        split, example = splits[item.example.split], item.example
        _write(root / split / item.name, item.data)
        labels = {"label": example.labels[0]} if choice == "single" else {"labels": example.labels}
        row = {"file_name": item.name, **labels, "key": example.key, "sha256": example.sha256}
        lines[split].append(json.dumps(row, ensure_ascii=False) + "\n")
    for split, rows in lines.items():
        _write(root / split / "metadata.jsonl", "".join(rows).encode())


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
