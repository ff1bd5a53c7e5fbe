"""The loop with pictures that come twice: where they are learnt from, and what is told of them."""

import csv
import json
import shutil
from pathlib import Path

from PIL import Image
from support.imports import loaded
from support.project import ROOT, Project

from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.train.train import train

DATA = ROOT / "data"


def photos(folder: Path) -> list[str]:
    """The demo's photographs, each also as it is when a program saves it anew, by name."""
    folder.mkdir()
    names = []
    for file in sorted(DATA.glob("batch_*/*.jpg")):
        shutil.copy(file, folder / file.name)
        Image.open(file).save(folder / f"{file.stem}.png")
        names.append(file.stem)
    shutil.copy(folder / "coffee.jpg", folder / "coffee again.jpg")
    return names


def split(project: Project, *words: str) -> dict[str, str]:
    """File name -> side, as exported."""
    out = project.folder / "export.csv"
    name = str(project.stack().config.dataset.name)
    typed = ["dataset", "export", name, "--format", "csv", "--out", str(out), "--overwrite"]
    project.json(*typed, *words)
    with out.open(newline="", encoding="utf-8") as file:
        return {row["key"].rpartition("/")[2]: row["split"] for row in csv.DictReader(file)}


def test_copies_come_to_the_side_of_their_picture_and_are_told(project: Project) -> None:
    names = photos(project.folder / "b")
    name = str(project.stack().config.dataset.name)
    train(project.stack(), False, untracked)
    without = project.json("dataset", "duplicates", "--exact")
    assert (without["images"], without["groups"], without["limit"]) == (0, [], None)
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    studio = project.stack().studio
    found = studio.projects.find(name)
    assert found
    tasks = {task.key.rpartition("/")[2]: task.id for task in studio.tasks.list(found.id)}

    def annotate(file: str, label: str) -> None:
        studio.annotations.create(found.id, tasks[file], [label], 1.0)

    for stem in names:
        annotate(f"{stem}.jpg", "aria" if "aria" in stem else "not_aria")
    first = project.json("train", "--rerun")
    before = split(project)
    assert first["examples"] == len(names)

    for stem in names:
        annotate(f"{stem}.png", "aria" if "aria" in stem else "not_aria")
    report = project.json("train", "--rerun")
    assert report["moved"] > 0
    after = split(project)
    assert all(after[f"{stem}.png"] == after[f"{stem}.jpg"] for stem in names)
    assert {file: after[file] for file in before} == before
    assert report["learnt"] + report["holdout"]["n"] + len(report["unreadable"]) == 2 * len(names)
    assert split(project, "--offline") == after
    told = project.json("dataset", "describe", name)
    assert told["split"]["holdout"] == sum(side == "holdout" for side in after.values())
    out = str(project.folder / "held.json")
    typed = ["--format", "label-studio", "--split", "holdout", "--out", out]
    project.json("dataset", "export", name, *typed)
    held = {t["data"]["key"].rpartition("/")[2] for t in json.loads(Path(out).read_text())}
    assert held == {file for file, side in after.items() if side == "holdout"}
    assert project.json("train", "--rerun")["moved"] == 0

    annotate("coffee again.jpg", "aria")
    listed = project.json("dataset", "duplicates", "--limit", "3")
    assert (listed["images"], listed["contents"]) == (2 * len(names) + 1, 2 * len(names))
    assert listed["without_embedding"] == 0
    assert listed["compared"] == listed["contents"]
    assert listed["near"] >= len(names) - 5
    assert len(listed["groups"]) == 3
    group = listed["groups"][0]
    assert (group["differ"], listed["differing"]) == (True, 1)
    labels = {i["key"].rpartition("/")[2]: i["labels"] for i in group["images"]}
    assert labels["coffee again.jpg"] == ["aria"]
    assert labels["coffee.jpg"] == labels["coffee.png"] == ["not_aria"]
    exact = project.json("dataset", "duplicates", "--exact", "--offline")
    assert (exact["exact"], exact["near"], exact["live"]) == (1, 0, False)
    assert [len(group["images"]) for group in exact["groups"]] == [2]

    shown = project.run("dataset", "duplicates", "--near").stdout
    assert "DIFFERENT LABELS" in shown
    assert "coffee again.jpg: aria" in shown
    assert not {"torch", "torchvision"} & loaded(
        ["dataset", "duplicates", "--quiet"], str(project.folder)
    )
