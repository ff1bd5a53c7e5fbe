"""Replays of a labelled folder: figures, files, what is kept, and what is refused."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.project import Project, write_photos

from annolooop.domain.progress import untracked
from annolooop.errors import AnnoloopError, DataError, UsageError
from annolooop.loop.simulate.simulate import SimulateOptions, simulate
from annolooop.stack import Stack

FEW = ("--seeds", "2", "--query", "4", "--budget", "20")


def make_project(folder: Path) -> Project:
    """A project without a Label Studio, and two folders of pictures."""
    write_photos(folder / "photos", [f"round/aria_{n}.png" for n in range(40)])
    write_photos(folder / "photos", [f"square/not_aria_{n}.png" for n in range(40)], seed=3)
    model = {"backbone": "mobilenet_v3_small", "weights": "none"}
    return Project(folder, {"model": model, "cache_dir": str(folder / "cache")})


@pytest.fixture
def alone(tmp_path: Path) -> Project:
    return make_project(tmp_path)


TYPED = ("simulate", "--images", "photos", "--strategy", "auto", "--strategy", "margin", *FEW)


@dataclass
class Replayed:
    """A folder with some files that cannot take part, and the report on it."""

    project: Project
    photos: Path
    report: dict[str, Any]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    project = make_project(tmp_path_factory.mktemp("replayed"))
    photos = project.folder / "photos"
    (photos / "round" / "broken.jpg").write_bytes(b"no picture")
    twice = photos / "square" / "torn.png"
    twice.write_bytes((photos / "round" / "aria_3.png").read_bytes())
    (photos / "round" / "again.png").write_bytes((photos / "round" / "aria_4.png").read_bytes())
    (photos / "square" / "not_aria_5.png").rename(project.folder / "elsewhere.png")
    (photos / "square" / "linked.png").symlink_to(project.folder / "elsewhere.png")
    (photos / "square" / "gone.png").symlink_to("nowhere.png")
    notes = photos / "text" / "notes.txt"  # the one file of its label
    notes.parent.mkdir()
    notes.write_text("no picture either", encoding="utf-8")
    report = project.json(*TYPED, "--out", "curves.csv", "--plot", "curves.html")
    return Replayed(project, photos, report)


@pytest.mark.slow
def test_files_that_cannot_take_part_are_named(replayed: Replayed) -> None:
    report = replayed.report
    counts = (report["images"], report["pool"] + report["test"], report["embedded"])
    assert counts == (79, 79, 79)
    assert report["labels"] == ["round", "square"]
    reasons = {Path(row["file"]).name: row["reason"] for row in report["left_out"]}
    assert set(reasons) == {"broken.jpg", "torn.png", "aria_3.png", "gone.png", "notes.txt"}


@pytest.mark.slow
def test_each_strategy_has_a_point_a_round(replayed: Replayed) -> None:
    strategies = replayed.report["strategies"]
    assert [s["name"] for s in strategies] == ["auto", "margin", "random"]
    auto = strategies[0]["points"]
    assert [point["labels"] for point in auto] == [4, 8, 12, 16, 20]
    assert auto[-1]["accuracy"] > 0.7


@pytest.mark.slow
def test_the_table_has_each_round_of_each_replay(replayed: Replayed) -> None:
    rows = list(csv.DictReader((replayed.project.folder / "curves.csv").open(encoding="utf-8")))
    assert len(rows) == 3 * 2 * 5
    last = [float(r["accuracy"]) for r in rows if (r["strategy"], r["labels"]) == ("auto", "20")]
    auto = replayed.report["strategies"][0]["points"]
    assert np.mean(last) == pytest.approx(auto[-1]["accuracy"])


@pytest.mark.slow
def test_the_plot_stands_alone(replayed: Replayed) -> None:
    page = (replayed.project.folder / "curves.html").read_text(encoding="utf-8")
    assert "labels" in page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", page)


@pytest.mark.slow
def test_a_second_run_embeds_nothing_and_gives_the_same(
    replayed: Replayed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(stack: Stack) -> None:
        raise AssertionError("the backbone was built")

    monkeypatch.setattr(Stack, "build_pipeline", refuse)
    (replayed.photos / "round" / "broken.jpg").unlink()
    (replayed.photos / "text" / "notes.txt").unlink()
    again = replayed.project.json(*TYPED)
    assert again["embedded"] == 0
    assert again["strategies"] == replayed.report["strategies"]  # the same seeds
    assert not (replayed.project.folder / "annoloop-data").exists()  # no store


@pytest.mark.parametrize(
    ("images", "given", "error", "message"),
    [
        ("nowhere", {}, UsageError, "no such folder"),
        ("photos/round", {}, DataError, "images of 0 labels"),
        ("torn", {}, DataError, "images of 1 label;"),
        ("few", {}, DataError, "readable images"),
        ("photos", {"strategies": ("margn",)}, UsageError, "did you mean margin"),
        ("photos", {"plot": Path("x.svg")}, UsageError, "a plot is a .html"),
        ("photos", {"out": Path("x.txt")}, UsageError, "must end in one of .csv"),
        ("photos", {"out": Path("nowhere/x.csv")}, UsageError, "there is no folder"),
    ],
)
def test_what_cannot_be_replayed_is_told(
    alone: Project, images: str, given: dict[str, Any], error: type[AnnoloopError], message: str
) -> None:
    write_photos(alone.folder / "few", ["a/1.png", "a/2.png", "b/3.png"])
    write_photos(alone.folder / "torn", ["a/1.png", "a/2.png"])
    (alone.folder / "torn" / "b").mkdir()
    (alone.folder / "torn" / "b" / "3.png").write_bytes(b"no picture")
    with pytest.raises(error, match=message) as refused:
        simulate(alone.stack(), SimulateOptions(alone.folder / images, **given), untracked)
    assert refused.value.hint


@pytest.mark.slow
def test_what_libraries_think_of_broken_files_is_not_shown(alone: Project) -> None:
    folder = alone.folder / "photos" / "round"
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))
    noise.save(folder / "torn.tif", "TIFF", compression="tiff_lzw")
    torn = (folder / "torn.tif").read_bytes()
    (folder / "torn.tif").write_bytes(torn.replace(torn[2000:3000], bytes(1000)))
    noise.save(folder / "odd.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    done = alone.run("simulate", "--images", "photos", *FEW)
    assert "torn.tif: decoder error" in done.stdout
    for noise_of_libraries in ("Warning", "EXIF", "LZWDecode", "code not yet in table"):
        assert noise_of_libraries not in done.stderr
