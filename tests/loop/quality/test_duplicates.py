"""Pictures that come twice: which part of the split they are in, and how they are listed."""

import csv
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.imports import loaded
from support.project import ROOT, Project, Server, on_server

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
    """File name -> part of the split, as exported."""
    out = project.folder / "export.csv"
    name = str(project.stack().config.dataset.name)
    typed = ["dataset", "export", name, "--format", "csv", "--out", str(out), "--overwrite"]
    project.json(*typed, *words)
    with out.open(newline="", encoding="utf-8") as file:
        return {row["key"].rpartition("/")[2]: row["split"] for row in csv.DictReader(file)}


@dataclass
class History:
    """Photographs that were labelled, then their copies, then one copy otherwise."""

    project: Project
    name: str
    names: list[str]
    before_infer: dict[str, Any]
    first: dict[str, Any]
    split_before: dict[str, str]
    second: dict[str, Any]
    split_after: dict[str, str]
    split_offline: dict[str, str]
    described: dict[str, Any]
    exported: set[str]
    moved_again: int


@pytest.fixture(scope="module")
def history(server: Server, tmp_path_factory: pytest.TempPathFactory) -> History:
    project = on_server(tmp_path_factory.mktemp("copies"), server, "copies")
    names = photos(project.folder / "b")
    name = str(project.stack().config.dataset.name)
    train(project.stack(), False, untracked)
    before_infer = project.json("dataset", "duplicates", "--exact")
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    annotate(project, {f"{stem}.jpg": label_of(stem) for stem in names})
    first = project.json("train", "--rerun")
    split_before = split(project)
    annotate(project, {f"{stem}.png": label_of(stem) for stem in names})
    second = project.json("train", "--rerun")
    split_after, split_offline = split(project), split(project, "--offline")
    described = project.json("dataset", "describe", name)
    out = project.folder / "held.json"
    typed = ["--format", "label-studio", "--split", "holdout", "--out", str(out)]
    project.json("dataset", "export", name, *typed)
    exported = {t["data"]["key"].rpartition("/")[2] for t in json.loads(out.read_text())}
    moved_again = project.json("train", "--rerun")["moved"]
    annotate(project, {"coffee again.jpg": "aria"})
    return History(
        project,
        name,
        names,
        before_infer,
        first,
        split_before,
        second,
        split_after,
        split_offline,
        described,
        exported,
        moved_again,
    )


def label_of(stem: str) -> str:
    return "aria" if "aria" in stem else "not_aria"


def annotate(project: Project, labels: dict[str, str]) -> None:
    """File name -> label."""
    studio = project.stack().studio
    found = studio.projects.find(str(project.stack().config.dataset.name))
    assert found
    tasks = {task.key.rpartition("/")[2]: task.id for task in studio.tasks.list(found.id)}
    for file, label in labels.items():
        studio.annotations.create(found.id, tasks[file], [label], 1.0)


def test_exact_copies_are_looked_for_before_there_is_an_image(history: History) -> None:
    found = history.before_infer
    assert (found["images"], found["groups"], found["limit"]) == (0, [], None)


def test_copies_come_to_the_part_of_their_picture_which_stays(history: History) -> None:
    assert history.first["examples"] == len(history.names)
    assert history.second["moved"] > 0
    after = history.split_after
    assert all(after[f"{stem}.png"] == after[f"{stem}.jpg"] for stem in history.names)
    assert {file: after[file] for file in history.split_before} == history.split_before
    assert history.moved_again == 0


def test_every_image_is_trained_on_or_held_out_or_named(history: History) -> None:
    report = history.second
    counted = report["learnt"] + report["holdout"]["n"] + len(report["unreadable"])
    assert counted == 2 * len(history.names)


def test_all_commands_show_the_same_split(history: History) -> None:
    after = history.split_after
    held = {file for file, part in after.items() if part == "holdout"}
    assert history.split_offline == after
    assert history.described["split"]["holdout"] == len(held)
    assert history.exported == held


def test_groups_whose_labels_differ_come_first(history: History) -> None:
    names = history.names
    listed = history.project.json("dataset", "duplicates", "--limit", "3")
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


def test_exact_copies_alone_need_no_server(history: History) -> None:
    exact = history.project.json("dataset", "duplicates", "--exact", "--offline")
    assert (exact["exact"], exact["near"], exact["live"]) == (1, 0, False)
    assert [len(group["images"]) for group in exact["groups"]] == [2]


def test_different_labels_are_pointed_out_without_loading_torch(history: History) -> None:
    shown = history.project.run("dataset", "duplicates", "--near").stdout
    assert "DIFFERENT LABELS" in shown
    assert "coffee again.jpg: aria" in shown
    assert not {"torch", "torchvision"} & loaded(
        ["dataset", "duplicates", "--quiet"], str(history.project.folder)
    )
