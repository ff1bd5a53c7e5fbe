"""The forms in which labels are exported, and what loads each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Format:
    """One form.

    Attributes:
        suffix: of the file that is written; empty for a folder.
        splits: part of the split -> how its folder is called.
        single: it has room for one label of an image only.
    """

    suffix: str = ""
    splits: Mapping[str, str] = field(
        default_factory=lambda: {"train": "train", "holdout": "holdout"}
    )
    single: bool = False


FORMATS = {
    "imagefolder": Format(single=True),
    "yolo": Format(splits={"train": "train", "holdout": "val"}, single=True),
    "hf": Format(splits={"train": "train", "holdout": "test"}),
    "coco": Format(),
    "csv": Format(".csv"),
    "jsonl": Format(".jsonl"),
    "parquet": Format(".parquet"),
    "label-studio": Format(".json"),
}

LOADERS = {
    "imagefolder": "torchvision.datasets.ImageFolder({part!r})",
    "yolo": "ultralytics.YOLO('yolo11n-cls.pt').train(data={out!r})",
    "hf": "datasets.load_dataset('imagefolder', data_dir={out!r})",
    "coco": "json.load(open({labels!r}, encoding='utf-8'))",
    "csv": "pandas.read_csv({out!r}, keep_default_na=False)",
    "jsonl": "pandas.read_json({out!r}, lines=True)",
    "parquet": "pandas.read_parquet({out!r})",
}


def load_line(form: str, split: str, out: Path) -> str:
    """A line of Python that loads an export, after an import of the module that it names.

    Args:
        form: a name of ``FORMATS``.
        split: what was exported: ``all``, ``train`` or ``holdout``.
        out: the folder or file.
    """
    part = "holdout" if split == "holdout" else "train"
    labels = out / "annotations" / f"labels_{part}.json"
    places = {"out": str(out), "part": str(out / part), "labels": str(labels)}
    return LOADERS[form].format(**places) if form in LOADERS else ""
