"""Annotators of a local server reach images of the store, and nothing else of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.annotators import Person, sign_up
from support.project import LABELS, Project, write_photos

from annolooop.errors import ConfigError, UnreachableError
from annolooop.labelstudio.api.connection import Connection, NotFound, Rejected
from annolooop.labelstudio.server.daemon import Daemon
from annolooop.labelstudio.server.document_root import link_folders, linked_store, root_of


def test_root_holds_the_links_that_are_asked_for_and_no_others(tmp_path: Path) -> None:
    root, store = tmp_path / "root", tmp_path / "store"
    link_folders(root, {"images": store / "images", "annotations": store / "annotations"})
    (root / "images" / "a.jpg").write_bytes(b"1")
    assert (store / "images" / "a.jpg").read_bytes() == b"1"
    link_folders(root, {"images": store / "images"})
    assert [entry.name for entry in root.iterdir()] == ["images"]
    assert linked_store(root) == store


def test_link_to_a_store_that_moved_is_made_anew(tmp_path: Path) -> None:
    link_folders(tmp_path / "root", {"images": tmp_path / "old" / "images"})
    link_folders(tmp_path / "root", {"images": tmp_path / "new" / "images"})
    assert linked_store(tmp_path / "root") == tmp_path / "new"


def test_folder_in_the_place_of_a_link_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "root" / "images").mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be made"):
        link_folders(tmp_path / "root", {"images": tmp_path / "store" / "images"})


def test_two_stores_have_roots_of_their_own(tmp_path: Path) -> None:
    assert root_of(tmp_path, tmp_path / "a") != root_of(tmp_path, tmp_path / "b")


@pytest.fixture
def running(own_project: Project) -> tuple[Project, Person]:
    """A project with images in Label Studio, and a second account on its server."""
    own_project.json("up")
    own_project.json("train")
    write_photos(own_project.folder / "b", ["x.jpg"])
    own_project.json("infer", "--batch", "b")
    return own_project, sign_up(own_project.stack().studio, "annotator@example.org")


def add(server: Connection, kind: str, project: int, path: Path) -> str:
    """Try to add a storage, as an annotator may; the server's answer."""
    body = {"project": project, "path": str(path), "use_blob_urls": True, "title": "mine"}
    try:
        server.post(f"/api/storages/{kind}localfiles", body)
    except (Rejected, NotFound) as error:
        return error.message
    return "done"


@pytest.mark.story
def test_annotators_reach_images_and_nothing_else_of_the_store(
    running: tuple[Project, Person],
) -> None:
    project, annotator = running
    stack, server = project.stack(), annotator.studio.connection
    store, root = stack.store.local_path, stack.daemon and stack.daemon.document_root
    assert store
    assert root
    number = stack.studio.projects.list()[0].id
    assert annotator.studio.fetch("/data/local-files/?d=images/b/x.jpg")[0] == "image/jpeg"
    record = next(store.glob("models/*/versions/000001.json"))
    assert json.loads(record.read_text())
    for path in (record.relative_to(store), Path("..", "..", "credentials.json"), record):
        with pytest.raises(UnreachableError):
            annotator.studio.fetch(f"/data/local-files/?d={path}")

    before = sorted(path for path in project.folder.rglob("*") if path.suffix == ".json")
    for kind in ("", "export/"):
        for folder in (record.parent, store, store / "datasets", store / "images", root):
            assert "DOCUMENT_ROOT" in add(server, kind, number, folder), (kind, folder)
        for folder in (root / "..", root / "images" / ".." / "..", root / "models"):
            assert add(server, kind, number, folder) != "done", (kind, folder)
    assert before == sorted(path for path in project.folder.rglob("*") if path.suffix == ".json")


def test_server_of_another_store_is_not_taken_for_this_one(
    running: tuple[Project, Person], tmp_path: Path
) -> None:
    project, _ = running
    with pytest.raises(UnreachableError, match=r"serves images of .*store, not of .*other"):
        assert project.stack("store.url=other").studio


def test_server_of_someone_else_may_be_given_nothing_but_a_link(
    tmp_path: Path, make_daemon: Callable[..., Daemon], migrated: Path
) -> None:
    store, shown = tmp_path / "store", tmp_path / "shown"
    link_folders(shown, {"images": store / "images"})
    shutil.copytree(migrated, tmp_path / "label-studio")
    daemon = make_daemon(tmp_path / "label-studio", shown)
    daemon.start(print)
    login = daemon.credentials()
    assert login
    project = Project(
        tmp_path,
        {
            "store": {"url": "store"},
            "label_studio": {
                "url": daemon.url,
                "api_key": login.token,
                "document_root": str(shown),
            },
            "dataset": {"name": "cats", "labels": LABELS},
            "model": {"backbone": "mobilenet_v3_small", "weights": "none"},
            "cache_dir": "cache",
        },
    )
    project.json("train")
    write_photos(tmp_path / "b", ["x.jpg"])
    project.json("infer", "--batch", "b")
    studio = project.stack().studio
    assert studio.fetch("/data/local-files/?d=images/b/x.jpg")[0] == "image/jpeg"
    (number,) = (found.id for found in studio.projects.list())
    assert "DOCUMENT_ROOT" in add(studio.connection, "export/", number, store / "models")
