"""Talking to a real server."""

import shutil
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from support.project import Server, free_port

from annolooop.domain.tasks import Prediction
from annolooop.errors import ConfigError, DataError, UnreachableError
from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.studio import Studio
from annolooop.labelstudio.label_config import (
    Labelling,
    build_label_config,
    parse_label_config,
)
from annolooop.labelstudio.label_page import PLAIN, LabelPage
from annolooop.labelstudio.server.daemon import Daemon


@pytest.fixture
def studio(server: Server) -> Studio:
    return Studio(Connection(server.url, server.token, 60, False))


def data(n: int) -> dict[str, str]:
    return {"image": f"/data/local-files/?d={n}.jpg", "key": f"images/{n}.jpg", "sha256": "00"}


def test_wrong_token_is_a_configuration_error(server: Server) -> None:
    with pytest.raises(ConfigError, match="refuses the access token") as caught:
        Studio(Connection(server.url, "0" * 40, 60, False)).people.whoami()
    assert "0" * 40 not in caught.value.message + caught.value.hint


def test_personal_access_token_works_too(studio: Studio, server: Server) -> None:
    made = httpx.post(
        f"{server.url}/api/token/", headers={"Authorization": f"Token {server.token}"}
    ).json()
    assert (
        Studio(Connection(server.url, made["token"], 60, False)).people.whoami()
        == studio.people.whoami()
    )


def test_dead_server_says_what_to_start() -> None:
    with pytest.raises(UnreachableError) as caught:
        Studio(Connection(f"http://127.0.0.1:{free_port()}", "0" * 40, 5, True)).people.whoami()
    assert caught.value.hint == "Start it: annoloop up"


def test_server_that_is_no_label_studio_is_named() -> None:
    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Hello) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(UnreachableError, match="answered, but it is not a Label Studio server"):
            Studio(
                Connection(f"http://127.0.0.1:{other.server_port}", "0" * 40, 5, True)
            ).people.whoami()
        other.shutdown()


def test_project_is_found_by_its_exact_title_and_by_its_id(studio: Studio) -> None:
    project = studio.projects.create("exact title", ["a", "b"], "single")
    assert studio.projects.find("exact title") == project
    assert studio.projects.get(project.id) == project
    assert studio.projects.find("exact") is None
    assert studio.projects.get(999_999) is None
    assert project in studio.projects.list()


def test_what_people_added_to_the_label_config_stays(studio: Studio, server: Server) -> None:
    project = studio.projects.create("edited by hand", ["a", "b"], "single")
    config = build_label_config(["a", "b"]).replace("<Style>", '<Header value="Look"/><Style>')
    headers = {"Authorization": f"Token {server.token}"}
    url = f"{server.url}/api/projects/{project.id}"
    httpx.patch(url, headers=headers, json={"label_config": config}).raise_for_status()
    studio.projects.get(project.id)
    studio.projects.change_labels(project.id, ["a", "b", "c"], "multiple")
    assert studio.projects.labelling(project.id) == Labelling(("a", "b", "c"), "multiple")
    now = httpx.get(url, headers=headers).json()["label_config"]
    assert parse_label_config(now) == Labelling(("a", "b", "c"), "multiple")
    assert '<Header value="Look"' in now


def test_page_is_as_it_was_sent_and_follows_the_stack_file(studio: Studio) -> None:
    first = LabelPage(
        {"a": 'the <first> & "best"'},
        {"b": "b.jpg"},
        lambda place: b"x" * 3000,
        True,
        "Look.\n<b>!",
    )
    project = studio.projects.create("looks", ["a", "b"], "single", page=first).id
    studio.projects.get(project)
    assert not studio.projects.asks_for(project, ["a", "b"], "single", (), first)  # instructions
    studio.projects.change_labels(project, ["a", "b"], "single", (), first)
    studio.projects.get(project)
    assert studio.projects.labelling(project).own
    assert studio.projects.asks_for(project, ["a", "b"], "single", (), first)
    assert not studio.projects.asks_for(project, ["a", "b"], "single", (), PLAIN)
    studio.projects.change_labels(project, ["a", "b"], "single", (), PLAIN)
    studio.projects.get(project)
    assert studio.projects.asks_for(project, ["a", "b"], "single", (), PLAIN)
    shown = studio.connection.get(f"/api/projects/{project}")
    assert (shown["expert_instruction"], shown["show_instruction"]) == ("", False)


def test_several_projects_of_one_title_are_an_error(studio: Studio, server: Server) -> None:
    studio.projects.create("one of two", ["a", "b"], "single")
    headers = {"Authorization": f"Token {server.token}"}
    body = {"title": "one of two", "label_config": build_label_config(["a", "b"])}
    made = httpx.post(f"{server.url}/api/projects", headers=headers, json=body)
    if made.status_code == 400:
        pytest.skip("this Label Studio keeps titles apart by itself")
    with pytest.raises(DataError, match="several projects called one of two"):
        studio.projects.find("one of two")


def test_token_that_cannot_be_one_is_refused(server: Server) -> None:
    with pytest.raises(ConfigError, match="characters that no access token has"):
        Connection(server.url, "ReT é", 5, False)


def test_tasks_predictions_and_annotations(studio: Studio) -> None:
    project = studio.projects.create("tasks and more", ["a", "b"], "single")
    studio.tasks.create(
        project.id, [(data(n), Prediction(("a",), 0.5 + n / 100)) for n in range(5)], "v1-aaaaaa"
    )
    studio.projects.show_version(project.id, "v1-aaaaaa")
    tasks = list(studio.tasks.list(project.id))
    assert [task.key for task in tasks] == [f"images/{n}.jpg" for n in range(5)]
    studio.predictions.create(project.id, [(tasks[4].id, Prediction(("b",), 0.9))], "v2-bbbbbb")
    assert studio.predictions.count_by_version(project.id) == {"v1-aaaaaa": 5, "v2-bbbbbb": 1}
    assert set(studio.predictions.tasks(project.id, ["v2-bbbbbb"])) == {tasks[4].id}
    assert len(set(studio.predictions.tasks(project.id, ["v1-aaaaaa", "v2-bbbbbb"]))) == 5
    # The least certain prediction is served first.
    assert studio.tasks.next(project.id) == tasks[0].id
    studio.annotations.create(project.id, tasks[0].id, ["b"], 1.0)
    changed = studio.annotations.changed_tasks(project.id)
    (annotation,) = studio.annotations.list(project.id, changed)
    assert (annotation.labels, annotation.key) == (("b",), "images/0.jpg")
    assert (annotation.shown_version, annotation.shown) == ("v1-aaaaaa", ("a",))
    assert studio.annotations.changed_tasks(project.id, max(changed.values())) == {}


def test_rows_that_a_server_drops_are_noticed(
    make_daemon: Callable[..., Daemon], migrated: Path, tmp_path: Path
) -> None:
    class Plain(Daemon):
        """A server as others run it, without the setting that makes ours take every row."""

        def _environment(self, *given: Any) -> dict[str, str]:
            made = super()._environment(*given)
            return {name: value for name, value in made.items() if not name.startswith("fflag")}

    shutil.copytree(migrated, tmp_path / "theirs")
    theirs = Plain(**vars(make_daemon(tmp_path / "theirs", tmp_path / "store")))
    theirs.start(print)
    credentials = theirs.credentials()
    assert credentials
    studio = Studio(Connection(theirs.url, credentials.token, 60, False))
    project = studio.projects.create("dropping", ["a", "b"], "single")
    studio.tasks.create(project.id, [(data(1), Prediction(("a",), 0.5))], "v1-aaaaaa")
    (task,) = studio.tasks.list(project.id)
    with pytest.raises(UnreachableError, match="kept 0 of the 1 predictions"):
        studio.predictions.create(
            project.id, [(task.id, Prediction(("no label",), 0.5))], "v2-bbbbbb"
        )
