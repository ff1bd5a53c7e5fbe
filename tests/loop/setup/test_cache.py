"""What is kept to save time: used where it can be, shown, and deleted when nobody needs it."""

import os
import shutil
import time

from support.imports import loaded
from support.project import Project, write_photos

from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.train.train import train


def test_retrain_and_prune(project: Project) -> None:
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
    shutil.rmtree(store / "images")  # not one of them is read
    assert not {"torch", "sklearn"} & loaded(["train", "--rerun"], str(project.folder))
    assert project.json("model", "list")["versions"][-1]["name"].startswith("v2-")

    report = project.json("cache", "info")
    (space,) = report["spaces"]
    assert (space["images"], len(space["used_by"])) == ({"fp32": 2}, 2)
    (unused,) = (store / "embeddings").iterdir()
    shutil.copytree(unused, store / "embeddings" / "resnet18-0123456789abcdef")
    (copies := project.folder / "cache" / "embeddings" / "mobilenet-x").mkdir(parents=True)
    for days, name in ((1, "new"), (40, "old")):
        for ending in ("index", "safetensors"):
            (copies / f"{name}.{ending}").write_bytes(b"x" * 10)
        os.utime(copies / f"{name}.safetensors", (time.time() - 86_400 * days,) * 2)
        os.utime(copies / f"{name}.index", (time.time() - 86_400 * 90,) * 2)

    told = project.run("cache", "info").stdout
    assert "2 versions" in told
    assert [line.split()[-4:] for line in told.splitlines() if line.startswith("mobilenet-x")] == [
        ["not", "in", "this", "store"]
    ]
    parts = {part["name"]: part["about"] for part in project.json("cache", "info")["parts"]}
    assert "ledgers" in parts["ledgers"]
    assert "" not in parts.values()

    plan = project.json("cache", "prune", "--older-than", "30", "--store", "--dry-run", code=2)
    assert (plan["copies"], plan["copied_bytes"], plan["objects"]) == (2, 20, 2)
    assert plan["spaces"] == ["resnet18-0123456789abcdef"]
    refused = project.run("cache", "prune", "--older-than", "30", "--store", code=2)
    assert "annoloop cache prune --older-than 30 --store --yes" in refused.stderr
    assert (copies / "old.index").exists()
    done = project.json("cache", "prune", "--older-than", "30", "--store", "--yes")
    assert done == {**plan, "applied": True}
    assert sorted(file.name for file in copies.iterdir()) == ["new.index", "new.safetensors"]
    assert [folder.name for folder in (store / "embeddings").iterdir()] == [unused.name]
    project.json("cache", "prune", "--yes")
    assert not copies.exists()
    again = project.json("cache", "prune", "--store")
    assert (again["copies"], again["objects"]) == (0, 0)
