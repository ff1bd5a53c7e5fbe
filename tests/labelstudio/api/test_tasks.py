"""Tasks: pages, data, notes in the data, what a server created."""

import json
from typing import Any

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.domain.tasks import Prediction
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api import data_manager
from annolooop.labelstudio.api.tasks import picture_at

PAGES = "/api/tasks"
IMPORT = "/api/projects/7/import"


def page(*ids: int, total: int = 0) -> dict[str, Any]:
    tasks = [{"id": i, "data": {"key": f"{i}.jpg", "sha256": f"{i}"}} for i in ids]
    return {"tasks": tasks, "total": total or len(ids)}


def whole(**data: str) -> dict[str, Any]:
    return {"id": 1, "data": data, "annotations": [], "predictions": []}


def conditions(fake: FakeLabelStudio, request: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(fake.requests[request].query["query"])["filters"][
        "items"
    ]
    return items


def test_pages_begin_after_the_last_task(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So none is passed over when people delete others meanwhile."""
    monkeypatch.setattr(data_manager, "TASKS_PER_PAGE", 2)
    fake.answer("GET", PAGES, page(1, 4, total=3))
    fake.answer("GET", PAGES, page(5))
    assert [task.id for task in fake.studio.tasks.list(7)] == [1, 4, 5]
    assert [(c["operator"], c["value"]) for c in conditions(fake, 1)] == [("greater", 4)]


def test_project_without_tasks_has_no_newest_one(fake: FakeLabelStudio) -> None:
    fake.answer("GET", PAGES, {"tasks": [], "total": 0})
    assert fake.studio.tasks.newest(7) == (0, 0)


def test_task_that_shows_another_picture_by_now_is_known_as_replaced(fake: FakeLabelStudio) -> None:
    data = {"key": "x", "sha256": "a", "replaced_by": "b c", "replaced_at": "2026-1 2026-2"}
    fake.answer("GET", PAGES, {"tasks": [{"id": 1, "data": data}], "total": 1})
    (task,) = fake.studio.tasks.list(7)
    assert (task.sha256, task.replaced, task.shows) == ("a", True, "c")


@pytest.mark.parametrize(
    ("moment", "shown"), [("2026-1", "a"), ("2026-2", "a"), ("2026-3", "b"), ("", "c")]
)
def test_picture_that_a_task_showed_at_a_moment(moment: str, shown: str) -> None:
    data = {"sha256": "a", "replaced_by": "b c", "replaced_at": "2026-2 2026-4"}
    assert picture_at(data, moment) == shown


def test_earlier_notes_of_replaced_pictures_stay(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/api/tasks/1", whole(replaced_by="b", replaced_at="1"))
    fake.answer("PATCH", "/api/tasks/1", {})
    fake.studio.tasks.note_replaced(1, "c", "2")
    (body,) = fake.bodies("PATCH", "/api/tasks/1")
    assert body == {"data": {"replaced_by": "b c", "replaced_at": "1 2"}}


def test_other_data_of_a_task_stay(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/api/tasks/1", whole(key="x"))
    fake.answer("PATCH", "/api/tasks/1", {})
    fake.studio.tasks.update_data(1, sha256="a")
    assert fake.bodies("PATCH", "/api/tasks/1") == [{"data": {"key": "x", "sha256": "a"}}]


@pytest.mark.parametrize(("data", "moment"), [({"vanished": "1"}, "2"), ({}, "")])
def test_task_that_is_marked_already_is_left_alone(
    fake: FakeLabelStudio, data: dict[str, str], moment: str
) -> None:
    fake.studio.tasks.mark_vanished(1, data, moment)
    assert fake.requests == []


def test_mark_of_an_image_that_is_back_is_removed(fake: FakeLabelStudio) -> None:
    fake.answer("PATCH", "/api/tasks/1", {})
    fake.studio.tasks.mark_vanished(1, {"key": "x", "vanished": "1"}, "")
    assert fake.bodies("PATCH", "/api/tasks/1") == [{"data": {"key": "x"}}]


def test_data_of_tasks_that_the_page_leaves_out_are_asked_for_one_by_one(
    fake: FakeLabelStudio,
) -> None:
    fake.answer("GET", PAGES, page(1))
    fake.answer("GET", "/api/tasks/2", whole(key="2.jpg"))
    data = fake.studio.tasks.data(7, [1, 2, 3])
    assert {task: one["key"] for task, one in data.items()} == {1: "1.jpg", 2: "2.jpg"}


def test_predictions_of_a_task_that_someone_opened_are_kept(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/api/tasks/1", {**whole(), "drafts": [{"id": 3}]})
    assert not fake.studio.tasks.delete_predictions(1)
    assert len(fake.requests) == 1


def test_created_tasks_have_their_ids_in_the_order_of_the_data(
    fake: FakeLabelStudio, project: int
) -> None:
    created = {"task_count": 2, "prediction_count": 1, "task_ids": [11, 12]}
    fake.answer("POST", IMPORT, created)
    tasks = [({"key": "x"}, Prediction(("a",), 0.5)), ({"key": "y"}, None)]
    assert fake.studio.tasks.create(project, tasks, "v1") == ([11, 12], True)
    ((first, second),) = fake.bodies("POST", IMPORT)
    assert first["predictions"][0]["model_version"] == "v1"
    assert second == {"data": {"key": "y"}, "predictions": []}


def test_server_that_created_fewer_tasks_is_an_error(fake: FakeLabelStudio, project: int) -> None:
    fake.answer("POST", IMPORT, {"task_count": 0, "prediction_count": 0, "task_ids": []})
    with pytest.raises(UnreachableError, match="kept 0 of the 1 tasks"):
        fake.studio.tasks.create(project, [({"key": "x"}, None)], "v1")


def test_server_that_lost_the_predictions_is_found_out(fake: FakeLabelStudio, project: int) -> None:
    """One on SQLite does, when its database was locked for long."""
    fake.answer("POST", IMPORT, {"task_count": 1, "prediction_count": 0, "task_ids": [3]})
    tasks = [({"key": "x"}, Prediction(("a",), 0.5))]
    assert fake.studio.tasks.create(project, tasks, "v1") == ([3], False)


def test_last_task_of_the_stream_is_followed_by_none(fake: FakeLabelStudio) -> None:
    assert fake.studio.tasks.next(7) is None
