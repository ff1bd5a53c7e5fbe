"""Records for tests, each with what a test does not care about filled in."""

import hashlib
from dataclasses import replace

from annolooop.domain.annotations import Annotation
from annolooop.domain.versions import BackboneInfo, ModelVersion


def annotation(task: int, label: str | None = "cat", **changed: object) -> Annotation:
    """What somebody said of a task whose image is its own."""
    sha256 = hashlib.sha256(str(task).encode()).hexdigest()
    labels = (label,) if label else ()
    made = Annotation(
        task, task, f"images/{task}.jpg", sha256, labels, False, False, 1, f"2026-01-{task:02d}"
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def said(labels: str, by: int | None, at: int, **changed: object) -> Annotation:
    """What person ``by`` said at a time, of one picture; labels are single letters."""
    made = Annotation(
        at, 1, "images/1.jpg", "f" * 64, tuple(labels), False, False, by, f"2026-01-{at:02d}"
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def draft(**changed: object) -> ModelVersion:
    """A model version that is not registered yet."""
    info = BackboneInfo("resnet18", "none", "f" * 16, "bilinear 256 224 0,0,0 1,1,1", 512)
    made = ModelVersion(
        0,
        "",
        "cats",
        ("cat", "dog"),
        False,
        None,
        "",
        0,
        info,
        "",
        "now",
        "me",
        {"holdout": {"n": 1}},
        {},
    )
    return replace(made, **changed)  # type: ignore[arg-type]
