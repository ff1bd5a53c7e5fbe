"""Replays of a labelled folder: figures, files, what is kept, and what is refused."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.project import Project, write_photos

from annolooop.domain.progress import untracked
from annolooop.errors import AnnoloopError, DataError, UsageError
from annolooop.loop.simulate.simulate import SimulateOptions, simulate
from annolooop.stack import Stack

FEW = ("--seeds", "2", "--query", "4", "--budget", "20")


@pytest.fixture
def alone(tmp_path: Path) -> Project:
    """A project without a Label Studio, and two folders of pictures."""
    write_photos(tmp_path / "photos", [f"round/aria_{n}.png" for n in range(40)])
    write_photos(tmp_path / "photos", [f"square/not_aria_{n}.png" for n in range(40)], seed=3)
    model = {"backbone": "mobilenet_v3_small", "weights": "none"}
    return Project(tmp_path, {"model": model, "cache_dir": str(tmp_path / "cache")})


@pytest.mark.slow
def test_folder_is_replayed_written_and_embedded_once(
    alone: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = alone.folder / "photos"
    (photos / "round" / "broken.jpg").write_bytes(b"no picture")
    torn = photos / "square" / "torn.png"
    torn.write_bytes((photos / "round" / "aria_3.png").read_bytes())
    (photos / "round" / "again.png").write_bytes((photos / "round" / "aria_4.png").read_bytes())
    (photos / "square" / "not_aria_5.png").rename(alone.folder / "elsewhere.png")
    (photos / "square" / "linked.png").symlink_to(alone.folder / "elsewhere.png")
    (photos / "square" / "gone.png").symlink_to("nowhere.png")
    notes = photos / "text" / "notes.txt"  # the one file of its label
    notes.parent.mkdir()
    notes.write_text("no picture either", encoding="utf-8")
    typed = ("simulate", "--images", "photos", "--strategy", "auto", "--strategy", "margin", *FEW)
    first = alone.json(*typed, "--out", "curves.csv", "--plot", "curves.html")
    assert (first["images"], first["pool"] + first["test"], first["embedded"]) == (79, 79, 79)
    assert first["labels"] == ["round", "square"]
    reasons = {Path(row["file"]).name: row["reason"] for row in first["left_out"]}
    assert set(reasons) == {"broken.jpg", "torn.png", "aria_3.png", "gone.png", "notes.txt"}
    assert [s["name"] for s in first["strategies"]] == ["auto", "margin", "random"]
    auto = first["strategies"][0]["points"]
    assert [point["labels"] for point in auto] == [4, 8, 12, 16, 20]
    assert auto[-1]["accuracy"] > 0.7

    rows = list(csv.DictReader((alone.folder / "curves.csv").open(encoding="utf-8")))
    assert len(rows) == 3 * 2 * 5
    last = [float(r["accuracy"]) for r in rows if (r["strategy"], r["labels"]) == ("auto", "20")]
    assert np.mean(last) == pytest.approx(auto[-1]["accuracy"])
    page = (alone.folder / "curves.html").read_text(encoding="utf-8")
    assert "labels" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", page)  # stands alone

    def refuse(stack: Stack) -> None:
        raise AssertionError("the backbone was built")

    monkeypatch.setattr(Stack, "build_pipeline", refuse)
    (photos / "round" / "broken.jpg").unlink()
    notes.unlink()
    again = alone.json(*typed)
    assert again["embedded"] == 0
    assert again["strategies"] == first["strategies"]  # the same seeds
    assert not (alone.folder / "annoloop-data").exists()  # no store


@pytest.mark.parametrize(
    ("images", "given", "error", "told"),
    [
        ("nowhere", {}, UsageError, "no such folder"),
        ("photos/round", {}, DataError, "images of 0 labels"),
        ("torn", {}, DataError, "images of 1 label;"),
        ("few", {}, DataError, "images that can be read"),
        ("photos", {"strategies": ("margn",)}, UsageError, "did you mean margin"),
        ("photos", {"plot": Path("x.svg")}, UsageError, "a plot is a .html"),
        ("photos", {"out": Path("x.txt")}, UsageError, "must end in one of .csv"),
        ("photos", {"out": Path("nowhere/x.csv")}, UsageError, "there is no folder"),
    ],
)
def test_what_cannot_be_replayed_is_told(
    alone: Project, images: str, given: dict[str, Any], error: type[AnnoloopError], told: str
) -> None:
    write_photos(alone.folder / "few", ["a/1.png", "a/2.png", "b/3.png"])
    write_photos(alone.folder / "torn", ["a/1.png", "a/2.png"])
    (alone.folder / "torn" / "b").mkdir()
    (alone.folder / "torn" / "b" / "3.png").write_bytes(b"no picture")
    with pytest.raises(error, match=told) as refused:
        simulate(alone.stack(), SimulateOptions(alone.folder / images, **given), untracked)
    assert refused.value.hint
