"""The database of Label Studio is lost: the store alone brings it back; a backup does, too."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.annotators import sign_up
from support.project import Project, write_photos

from annolooop.domain.annotations import Annotation

NAMES = [f"{kind}_{n}.jpg" for n in range(10) for kind in ("aria", "not_aria")]


@pytest.fixture
def project(own_project: Project) -> Project:
    """Two people have answered, and a model has learned from it."""
    own_project.typed("up")
    own_project.json("train")
    write_photos(own_project.folder / "b", NAMES)
    own_project.json("infer", "--batch", "b")
    stack = own_project.stack()
    found = stack.studio.projects.find("aria_detector")
    assert found
    other = sign_up(stack.studio, "bob@example.org")
    for number, task in enumerate(stack.studio.tasks.list(found.id)):
        label = "not_aria" if "not_aria" in task.key else "aria"
        who = other.studio if number % 3 == 0 else stack.studio
        who.annotations.create(found.id, task.id, [label], 1.5)
    own_project.json("train", "--rerun")
    return own_project


def answers(project: Project) -> Counter[tuple[Any, ...]]:
    """What people answered, by what does not depend on the server's numbers."""
    last = project.stack().snapshots.latest()

    def content(a: Annotation) -> tuple[Any, ...]:
        who = last.people[a.annotator or 0]
        moments = (a.created_at, a.updated_at, a.lead_time)
        return a.key, a.labels, who, moments, a.shown_version, a.shown

    return Counter(map(content, last.annotations))


def data_dir(project: Project) -> Path:
    return project.folder / "annoloop-data" / "label-studio"


def test_lost_database_comes_back_from_the_store(project: Project) -> None:
    before, head = answers(project), project.stack().registry.current()
    assert len(before) == 20
    project.run("down")
    shutil.rmtree(data_dir(project))
    project.typed("up")

    for words in (("sync",), ("train", "--rerun"), ("infer", "--batch", "b"), ("stats",)):
        assert "annoloop restore" in project.run(*words, code=6).stderr
    printed = project.run("restore").stdout
    assert "of the 20 answers of snapshot 1, 0 were there, and 20 were added" in printed
    assert "account made again, without a password: bob@example.org" in printed
    # Exactly the same, with times, people and the predictions that they saw.
    assert answers(project) == before
    synced = project.json("sync", "--full")
    assert (synced["created"], synced["updated"], synced["deleted"]) == (0, 0, 0)
    assert synced["predictions_pushed"] == 20
    assert answers(project) == before
    again = project.json("train", "--rerun")
    assert (again["registered"], again["new_labels"], again["changed_labels"]) == (False, 0, 0)
    assert project.stack().registry.current() == head
    assert project.json("stats")["labeled"] == 20


def test_backup_puts_the_whole_database_back(project: Project) -> None:
    before = answers(project)
    login = (data_dir(project) / "credentials.json").read_bytes()
    written = project.typed("backup")
    assert written["kept"] == 1
    assert "annoloop down" in project.run("restore", written["name"], code=3).stderr

    stack = project.stack()
    found = stack.studio.projects.find("aria_detector")
    assert found
    stack.studio.projects.delete(found.id)
    project.run("down")
    (data_dir(project) / "credentials.json").unlink()
    put_back = project.typed("restore", written["name"])
    assert Path(put_back["kept"]).exists()
    project.typed("up")
    assert (data_dir(project) / "credentials.json").read_bytes() == login
    synced = project.json("sync", "--full")
    assert (synced["created"], synced["updated"], synced["deleted"]) == (0, 0, 0)
    assert answers(project) == before


def test_older_backup_is_completed_from_the_last_snapshot(project: Project) -> None:
    name = project.typed("backup", "--out", "old.tar.gz")["name"]
    stack = project.stack()
    found = stack.studio.projects.find("aria_detector")
    assert found
    last = stack.snapshots.latest()
    bodies = [
        {
            "from_name": "label",
            "to_name": "image",
            "type": "choices",
            "value": {"choices": ["aria"]},
        }
    ]
    wrong = [a for a in last.annotations if a.labels == ("not_aria",)][:8]
    for a in wrong:
        stack.studio.annotations.change(a.id, {"result": bodies})
    project.json("sync")
    before = answers(project)

    project.run("down")
    project.typed("restore", name)
    project.typed("up")
    assert (
        "8 of 20 answers are older there than in snapshot 2" in project.run("sync", code=6).stderr
    )
    report = project.typed("restore")
    assert (report["there"], report["changed"], report["added"]) == (12, 8, 0)
    assert answers(project) == before
    assert project.typed("sync")["updated"] == 0
