"""Deleting a dataset: asked, backed up, complete when typed again, and restorable."""

import json
import os
import pty
import subprocess
from pathlib import Path

import httpx
import pytest
from support.annotated_dataset import Annotated, put_images, store_labels
from support.project import Project, Server, on_server, write_photos

from annolooop.domain.progress import untracked
from annolooop.errors import ConfigError, DataError
from annolooop.loop.dataset import delete as deleting
from annolooop.loop.dataset.delete import DeleteReport, delete, look
from annolooop.loop.labels.current import read_labels
from annolooop.loop.labels.project import ensure_project
from annolooop.loop.labels.snapshot import pull_snapshot
from annolooop.loop.sync.sync import sync

NAMES = ["a/aria_0.jpg", "a/not_0.jpg", "b/aria_0.jpg"]


def make(project: Project, server: Server) -> Annotated:
    made = Annotated(project, server, NAMES)
    made.annotate(NAMES[0], "aria")
    made.annotate(NAMES[1], "not_aria", truth=True)
    stack = made.stack()
    pull_snapshot(stack, ensure_project(stack))
    made.annotate(NAMES[2], "aria")  # no snapshot has it
    return made


def run(made: Annotated, keep_project: bool = False) -> DeleteReport:
    stack = made.stack()
    return delete(stack, look(stack, made.name, keep_project), untracked)


def left(project: Project) -> set[str]:
    return {item.key.partition("/")[0] for item in walk(project)}


def walk(project: Project) -> list:  # type: ignore[type-arg]
    store = project.stack().store
    return [item for part in ("datasets", "models", "images") for item in store.walk(part)]


def test_dataset_is_deleted_after_a_backup_that_gives_the_labels_back(
    project: Project, server: Server
) -> None:
    made = make(project, server)
    before = {e.sha256: e.labels for e in read_labels(made.stack(), made.name, False).examples}
    told = project.run("dataset", "delete", made.name, code=2).stderr
    assert f"project {made.id} {made.name}: 3 tasks, 3 annotations by 1 people" in told
    assert f"annoloop dataset delete '{made.name}' --yes" in told
    assert read_labels(made.stack(), made.name, False).live
    report = project.json("dataset", "delete", made.name, "--yes")
    assert (report["deleted"], report["tasks"], report["annotations"]) == (True, 3, 3)
    assert made.stack().studio.projects.get(made.id) is None
    assert left(project) == {"images"}
    assert made.name in project.run("dataset", "delete", made.name, "--yes", code=5).stderr

    tasks, config, snapshot = map(Path, report["backups"])
    assert config.read_text().startswith("<View ")
    assert tasks.parent == project.folder / "annoloop-backups"
    assert len(json.loads(snapshot.read_text())["annotations"]) == 2
    new = ensure_project(made.stack())
    made.http.post(
        f"/api/projects/{new.id}/import", json=json.loads(tasks.read_text())
    ).raise_for_status()
    after = read_labels(made.stack(), made.name, False)
    assert {e.sha256: e.labels for e in after.examples} == before
    assert sum(a.ground_truth for a in after.snapshot.annotations) == 1


def test_interrupted_deletion_is_completed_when_typed_again(
    project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(project, server)
    stack = made.stack()
    found = look(stack, made.name, False)

    def interrupt(prefix: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stack.store, "delete_below", interrupt)
    with pytest.raises(KeyboardInterrupt):
        delete(stack, found, untracked)
    assert "datasets" in left(project)
    again = run(made)
    assert (again.deleted, again.project, again.stored, again.annotations) == (True, None, True, 2)
    assert left(project) == {"images"}
    assert len(list((project.folder / "annoloop-backups").iterdir())) == 5


def test_nothing_is_deleted_when_the_backup_fails(project: Project, server: Server) -> None:
    made = make(project, server)
    (project.folder / "annoloop-backups").touch()
    with pytest.raises(ConfigError, match="nothing was deleted"):
        run(made)
    assert read_labels(made.stack(), made.name, False).live
    assert left(project) == {"datasets", "images"}


def test_nothing_is_deleted_while_people_annotate(
    project: Project, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(project, server)
    read = deleting.live_tasks

    def annotated_meanwhile(*given: object, **named: object):  # type: ignore[no-untyped-def]
        yield from read(*given, **named)  # type: ignore[arg-type]
        made.annotate(NAMES[0], "not_aria")

    monkeypatch.setattr(deleting, "live_tasks", annotated_meanwhile)
    with pytest.raises(DataError, match="people annotate in the project right now"):
        run(made)
    assert read_labels(made.stack(), made.name, False).live
    assert list((project.folder / "annoloop-backups").iterdir()) == []


def test_kept_project_stays_and_the_server_need_not_run(project: Project, server: Server) -> None:
    made = make(project, server)
    dead = "label_studio.url=http://127.0.0.1:1"
    words = ("dataset", "delete", made.name, "--keep-project", "--yes", "--set", dead)
    report = project.json(*words)
    assert (report["project"], report["annotations"]) == (None, 2)
    assert left(project) == {"images"}
    assert made.stack().studio.projects.get(made.id)
    # Now it is a dataset of Label Studio alone.
    only = project.json("dataset", "delete", made.name, "--yes")
    assert (only["project"], only["stored"], only["annotations"]) == (made.id, False, 3)
    assert made.stack().studio.projects.get(made.id) is None


def test_dataset_of_the_store_alone_is_deleted(project: Project) -> None:
    images = put_images(project, NAMES)
    store_labels(project, images, {name: ["aria"] for name in NAMES})
    name = project.stack().config.dataset.name
    report = project.json("dataset", "delete", name, "--yes")
    assert (report["project"], report["stored"], report["annotations"]) == (None, True, 3)
    assert left(project) == {"images"}
    assert len(json.loads(Path(report["backups"][0]).read_text())) == 3


def test_project_of_another_dataset_is_left_alone_whatever_it_is_called(
    tmp_path: Path, project: Project, server: Server
) -> None:
    made = make(project, server)
    url = f"/api/projects/{made.id}"
    made.http.patch(url, json={"title": "called another name"}).raise_for_status()
    with pytest.raises(DataError):
        look(made.stack(), "called another name", False)
    assert look(made.stack(), made.name, False).project == made.id


def test_names_that_are_paths_delete_nothing(project: Project, server: Server) -> None:
    made = make(project, server)
    for name in (f"{made.name}/snapshots", "..", "../datasets", "", "."):
        with pytest.raises(DataError):
            look(made.stack(), name, False)
        with pytest.raises(DataError):
            look(made.stack(), name, True)
    assert left(project) == {"datasets", "images"}


@pytest.mark.parametrize(("answer", "deleted"), [("n", False), ("y", True)])
def test_person_is_asked(tmp_path: Path, server: Server, answer: str, deleted: bool) -> None:
    project = on_server(tmp_path, server, f"asked {answer}")
    images = put_images(project, NAMES)
    store_labels(project, images, {NAMES[0]: ["aria"]})
    ours, theirs = pty.openpty()
    words = project.command("dataset", "delete", "--keep-project", f"set asked {answer}")
    with subprocess.Popen(
        words, cwd=project.folder, stdin=theirs, stdout=subprocess.PIPE, text=True
    ) as child:
        os.write(ours, f"{answer}\n".encode())
        told, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    assert ("nothing was deleted" in told) == (not deleted)
    assert ("datasets" in left(project)) == (not deleted)


def test_images_that_people_uploaded_are_kept_by_the_store_or_counted(
    project: Project, server: Server
) -> None:
    made = make(project, server)
    picture = project.folder / "up.jpg"
    write_photos(project.folder, [picture.name], seed=33)
    url = f"/api/projects/{made.id}/import"
    files = {"file": (picture.name, picture.read_bytes(), "image/jpeg")}
    made.http.post(url, files=files).raise_for_status()
    sync(made.stack(), False, untracked)
    made.http.post(url, files=files).raise_for_status()
    found = look(made.stack(), made.name, False)
    assert found.uploads == 1  # the second: only the project has it
    report = delete(made.stack(), found, untracked)
    tasks = json.loads(Path(report.backups[0]).read_text())
    (kept,) = (t["data"] for t in tasks if "-uploads/" in t["data"].get("key", ""))
    assert kept["image"] == made.stack().image_source.url(kept["key"])


def test_project_that_annoloop_neither_made_nor_adopted_is_not_deleted(
    project: Project, server: Server
) -> None:
    http = httpx.Client(base_url=server.url, headers={"Authorization": f"Token {server.token}"})
    title = project.stack().config.dataset.name
    http.post("/api/projects", json={"title": title}).raise_for_status()
    refused = project.run("dataset", "delete", title, "--yes", code=6)
    assert "neither made nor adopted" in refused.stderr
    assert project.stack().studio.projects.find(title)


def test_project_whose_store_is_lost_is_known_by_the_storage_that_shows_its_images(
    project: Project, server: Server
) -> None:
    made = make(project, server)
    store = project.stack().store
    store.delete_below("datasets")
    assert look(made.stack(), made.name, False).project == made.id
