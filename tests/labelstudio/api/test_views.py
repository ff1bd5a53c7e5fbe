"""Tabs of a project, on a real server."""

import pytest
from support.project import Server

from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.data_manager import condition
from annolooop.labelstudio.api.studio import Studio
from annolooop.labelstudio.api.views import VIEWS


@pytest.fixture
def studio(server: Server) -> Studio:
    return Studio(Connection(server.url, server.token, 60, False))


def test_a_view_is_made_once_then_changed_and_stands_first(studio: Studio) -> None:
    project = studio.projects.create("views", ["a", "b"], "single").id
    assert studio.views.find(project, "queue") is None
    for round_ in ("r0001-", "r0002-"):
        shows = condition("data.queue", "contains", "String", round_)
        view = studio.views.put(project, "queue", [shows], ["tasks:data.queue"], first=True)
    found = studio.views.find(project, "queue")
    assert found
    assert (found.id, [item["value"] for item in found.conditions]) == (view, ["r0002-"])
    (first, second) = studio.connection.get(VIEWS, {"project": project})
    assert (first["id"], second["data"]["title"]) == (view, "Default")
    assert first["data"]["ordering"] == ["tasks:data.queue"]


def test_a_view_shows_only_the_columns_that_are_asked_for(studio: Studio) -> None:
    project = studio.projects.create("columns", ["a", "b"], "single").id
    columns = {"data.image": 180, "annotations_results": 160}
    studio.views.put(project, "few", [], [], columns=columns)
    (found,) = (
        one["data"]
        for one in studio.connection.get(VIEWS, {"project": project})
        if one["data"]["title"] == "few"
    )
    hidden = set(found["hiddenColumns"]["explore"])
    assert {"tasks:id", "tasks:created_at", "tasks:predictions_results"} <= hidden
    assert not hidden & {"tasks:data.image", "tasks:annotations_results", "tasks:data"}
    assert found["columnsWidth"]["tasks:data.image"] == 180
