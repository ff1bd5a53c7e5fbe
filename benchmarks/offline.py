"""A stack with a model and without a Label Studio, for benchmarks that only predict."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photos import photos_in, write_photos

from annolooop.config.load import load_stack
from annolooop.domain.versions import BackboneInfo, ModelVersion
from annolooop.model.heads.head import Head
from annolooop.stack import Stack


def make_stack(folder: Path, backbone: str, settings: Mapping[str, Any] | None = None) -> Stack:
    """A stack all of whose files are below a folder, with a backbone of random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "store": {"url": "store"},
        "model": {"backbone": backbone, "weights": "none"},
        "cache_dir": "cache",
        **(settings or {}),
    }
    file = folder / "annoloop.yaml"
    file.write_text(json.dumps(values), encoding="utf-8")  # JSON is YAML
    return Stack(load_stack(str(file), environ={}), print)


def again(stack: Stack) -> Stack:
    """The same, as a new command opens it."""
    return Stack(load_stack(str(stack.loaded.file), environ={}), print)


def put_in_force(stack: Stack, info: BackboneInfo, weights: bytes, seed: int) -> None:
    """Register a version with a head that nobody has, and promote it."""
    labels = stack.config.dataset.labels
    stack.registry.put_backbone(info, weights)
    draft = ModelVersion(
        number=0,
        name="",
        dataset=stack.config.dataset.name,
        labels=labels,
        trained=False,
        parent=None,
        dataset_fingerprint="",
        snapshot=0,
        backbone=info,
        head="",
        created_at="2000-01-01T00:00:00Z",
        created_by="benchmark",
        metrics={"holdout": {"n": 0}},
    )
    made = stack.registry.register(draft, Head.fresh(len(labels), info.dim, seed).to_bytes())
    stack.registry.promote(made, draft.created_at, draft.created_by)


def put_photos(
    folder: Path, count: int, megapixels: float, given: Path | None = None
) -> tuple[int, str]:
    """Fill a folder with photos: the first of a given folder, or generated ones.

    Returns:
        How many there are, and what they are.
    """
    if given is None:
        return len(write_photos(folder, count, megapixels)), f"photos of {megapixels:g} MP"
    folder.mkdir(parents=True)
    found = photos_in(given)[:count]
    for number, file in enumerate(found):
        shutil.copyfile(file, folder / f"photo-{number:06}{file.suffix}")
    return len(found), f"photos of {given.name}"


def cores() -> int:
    """Those that this process may use."""
    may = getattr(os, "sched_getaffinity", None)
    return len(may(0)) if may else os.cpu_count() or 1
