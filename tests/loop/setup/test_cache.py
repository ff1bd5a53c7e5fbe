"""What is kept to save time: used where it can be, shown, and deleted when nobody needs it."""

import os
import shutil
import time
from pathlib import Path

import pytest
from support.imports import loaded
from support.project import Project, write_photos
from support.trained_dataset import TrainedDataset

from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.train.train import train

PRUNE = ["cache", "prune", "--older-than", "30", "--store"]
NEW, OLD = "a" * 24 + "-fp32", "b" * 24 + "-fp32"  # shards
UNUSED = "resnet18-0123456789abcdef"  # a set of embeddings in the store that no version uses


def test_retraining_reads_no_image_and_loads_no_torch(project: Project) -> None:
    infer_exactly = {"precision": "fp32"}
    project.write({**project.values, "train": {"holdout": 0}, "infer": infer_exactly})
    write_photos(project.folder / "b", ["aria.jpg", "not_aria.jpg"])
    train(project.stack(), False, untracked)
    infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
    stack = project.stack()
    found = stack.studio.projects.find(stack.config.dataset.name)
    assert found
    for task in stack.studio.tasks.list(found.id):
        label = "not_aria" if "not_aria" in task.key else "aria"
        stack.studio.annotations.create(found.id, task.id, [label], 1.0)
    store = stack.store.local_path
    assert store
    shutil.rmtree(store / "images")
    assert not {"torch", "sklearn"} & loaded(["train", "--rerun"], str(project.folder))
    assert project.json("model", "list")["versions"][-1]["name"].startswith("v2-")
    parts = {part["name"]: part["about"] for part in project.json("cache", "info")["parts"]}
    assert "task indexes" in parts["ledgers"]


class Kept:
    """A trained dataset, with copies of another store's embeddings in the cache, new and old."""

    def __init__(self, folder: Path) -> None:
        self.project = TrainedDataset(folder, 4).project
        self.store = folder / "store" / "embeddings"
        (self.used,) = (child.name for child in self.store.iterdir())
        shutil.copytree(self.store / self.used, self.store / UNUSED)
        self.copies = folder / "cache" / "embeddings" / "mobilenet-x"
        self.copies.mkdir(parents=True)
        for days, name in ((1, NEW), (40, OLD)):
            for ending in ("index", "safetensors"):
                (self.copies / f"{name}.{ending}").write_bytes(b"x" * 10)
            os.utime(self.copies / f"{name}.safetensors", (time.time() - 86_400 * days,) * 2)
            os.utime(self.copies / f"{name}.index", (time.time() - 86_400 * 90,) * 2)

    def left(self) -> tuple[list[str], list[str]]:
        """Copies in the cache, and sets of embeddings in the store."""
        copies = sorted(file.name for file in self.copies.iterdir())
        return copies, sorted(folder.name for folder in self.store.iterdir())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """One that is only looked at."""
    return Kept(tmp_path_factory.mktemp("cache"))


def test_info_counts_images_and_versions_of_each_set(seen: Kept) -> None:
    sets = {one["space"]: one for one in seen.project.json("cache", "info")["spaces"]}
    assert (sets[seen.used]["images"], len(sets[seen.used]["used_by"])) == ({"fp32": 8}, 2)
    assert sets[UNUSED]["used_by"] == []


def test_info_names_copies_of_another_store(seen: Kept) -> None:
    lines = seen.project.run("cache", "info").stdout.splitlines()
    assert [line.split()[-4:] for line in lines if line.startswith("mobilenet-x")] == [
        ["not", "in", "this", "store"]
    ]
    assert any("2 versions" in line for line in lines)


def test_info_says_what_each_part_of_the_cache_is(seen: Kept) -> None:
    parts = seen.project.json("cache", "info")["parts"]
    assert parts
    assert all(part["about"] for part in parts)


def test_plan_to_prune_deletes_nothing(seen: Kept) -> None:
    before = seen.left()
    plan = seen.project.json(*PRUNE, "--dry-run", code=2)
    assert (plan["copies"], plan["copied_bytes"], plan["objects"]) == (2, 20, 2)
    assert (plan["spaces"], plan["applied"]) == ([UNUSED], False)
    assert seen.left() == before


def test_prune_asks_to_be_confirmed(seen: Kept) -> None:
    before = seen.left()
    refused = seen.project.run(*PRUNE, code=2)
    assert "annoloop cache prune --older-than 30 --store --yes" in refused.stderr
    assert seen.left() == before


def test_old_copies_and_sets_that_nobody_needs_are_deleted_as_planned(kept: Kept) -> None:
    plan = kept.project.json(*PRUNE, "--dry-run", code=2)
    assert kept.project.json(*PRUNE, "--yes") == {**plan, "applied": True}
    assert kept.left() == ([f"{NEW}.index", f"{NEW}.safetensors"], [kept.used])


def test_without_an_age_all_copies_are_deleted_and_the_store_is_left_alone(kept: Kept) -> None:
    kept.project.json("cache", "prune", "--yes")
    assert not kept.copies.exists()
    assert sorted(folder.name for folder in kept.store.iterdir()) == sorted([kept.used, UNUSED])


def test_second_prune_finds_nothing(kept: Kept) -> None:
    kept.project.json("cache", "prune", "--store", "--yes")
    again = kept.project.json("cache", "prune", "--store")
    assert (again["copies"], again["objects"]) == (0, 0)


def test_what_is_not_annoloops_is_not_pruned(kept: Kept, tmp_path: Path) -> None:
    """Files of others amid copies, a linked folder, and objects amid the sets of the store."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    linked = theirs / f"{OLD}.safetensors"
    kept_files = [kept.copies / "thesis.txt", kept.copies / "old.safetensors", linked]
    kept_files += [kept.store / "readme.txt", kept.store / UNUSED / "notes.txt"]
    for file in kept_files:
        file.write_text("mine")
        os.utime(file, (0, 0))
    (kept.copies.parent / "linked").symlink_to(theirs)
    kept.project.json("cache", "prune", "--store", "--yes")
    assert all(file.exists() for file in kept_files)
    assert not list(kept.copies.glob("*.index"))
    assert [file.name for file in (kept.store / UNUSED).iterdir()] == ["notes.txt"]
