"""Exported images in folders, and what is written beside them."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image as Picture

from annolooop.domain.examples import Example
from annolooop.loop.dataset.layouts import Item, write_class_folders, write_coco, write_hf

SPLITS = {"train": "train", "holdout": "val"}


def photo(width: int = 6, height: int = 4) -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", (width, height)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def items() -> list[Item]:
    made = [("x", "a", "train"), ("y", "b", "holdout"), ("z", "a", "train")]
    return [
        Item(Example(f"images/{name}.png", name * 4, (label,), split), f"{name}.png", photo())
        for name, label, split in made
    ]


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_each_label_has_a_folder_in_each_part_of_the_split(
    tmp_path: Path, items: list[Item]
) -> None:
    """Loaders number the labels by their folders."""
    write_class_folders(tmp_path, iter(items), SPLITS, {"a": "a", "b": "b"})
    assert files(tmp_path) == {"train/a/x.png", "val/b/y.png", "train/a/z.png"}
    for split in ("train", "val"):
        assert sorted(folder.name for folder in (tmp_path / split).iterdir()) == ["a", "b"]


def test_coco_numbers_labels_from_one_in_their_order(tmp_path: Path, items: list[Item]) -> None:
    write_coco(tmp_path, iter(items), SPLITS, ["b", "a"])
    body = json.loads((tmp_path / "annotations" / "labels_train.json").read_text())
    assert body["categories"] == [{"id": 1, "name": "b"}, {"id": 2, "name": "a"}]
    assert {a["category_id"] for a in body["annotations"]} == {2}


def test_coco_has_the_size_of_each_image(tmp_path: Path, items: list[Item]) -> None:
    write_coco(tmp_path, iter(items), SPLITS, ["a", "b"])
    body = json.loads((tmp_path / "annotations" / "labels_val.json").read_text())
    assert [(i["file_name"], i["width"], i["height"]) for i in body["images"]] == [("y.png", 6, 4)]


def test_coco_size_of_a_file_that_cannot_be_read_is_zero(tmp_path: Path) -> None:
    broken = Item(Example("images/x.png", "x", ("a",), "train"), "x.png", b"none")
    write_coco(tmp_path, iter([broken]), SPLITS, ["a"])
    body = json.loads((tmp_path / "annotations" / "labels_train.json").read_text())
    assert (body["images"][0]["width"], body["images"][0]["height"]) == (0, 0)


@pytest.mark.parametrize(
    ("choice", "column"), [("single", {"label": "a"}), ("multiple", {"labels": ["a"]})]
)
def test_hf_rows_name_their_file_and_labels(
    tmp_path: Path, items: list[Item], choice: str, column: dict[str, object]
) -> None:
    write_hf(tmp_path, iter(items), SPLITS, choice)
    lines = (tmp_path / "train" / "metadata.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    assert first == {"file_name": "x.png", **column, "key": "images/x.png", "sha256": "xxxx"}
    assert len(lines) == 2
