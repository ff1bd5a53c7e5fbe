"""Tasks with their annotations, in the JSON that Label Studio imports."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.fake_label_studio import FakeLabelStudio, project_on
from support.records import annotation

from annolooop.domain.annotations import Snapshot
from annolooop.loop.dataset.task_file import live_tasks, stored_tasks, write_tasks
from annolooop.stack import Stack

CONFIG = (
    '<View><Image name="image" value="$image"/><Choices name="label" toName="image">'
    '<Choice value="a"/></Choices></View>'
)


@pytest.fixture
def stack(fake: FakeLabelStudio, tmp_path: Path) -> Stack:
    project = {"id": 7, "created_at": "1", "title": "cats", "label_config": CONFIG}
    fake.answer("GET", "/api/projects/7", project)
    fake.answer("GET", "/api/users", [{"id": 3, "email": "ann@example.org"}])
    fake.answer("GET", "/api/tasks", {"tasks": [{"id": 1}], "total": 1})
    return project_on(fake, tmp_path).stack()


def answer(number: int, updated_at: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "result": [], "updated_at": updated_at, "completed_by": 3, **more}


def live(fake: FakeLabelStudio, stack: Stack, task: dict[str, Any]) -> dict[str, Any]:
    fake.answer("GET", "/api/projects/7/export", [{"id": 1, **task}])
    (written,) = live_tasks(stack, 7, annotated=False)
    return written


def test_people_are_named_by_their_email(fake: FakeLabelStudio, stack: Stack) -> None:
    task = live(fake, stack, {"data": {}, "annotations": [answer(5, "1")]})
    assert task["annotations"][0]["completed_by"] == {"id": 3, "email": "ann@example.org"}


def test_person_without_an_account_any_more_keeps_the_number(
    fake: FakeLabelStudio, stack: Stack
) -> None:
    raw = answer(5, "1", completed_by={"id": 8})
    task = live(fake, stack, {"data": {}, "annotations": [raw]})
    assert task["annotations"][0]["completed_by"] == 8


def test_upload_that_is_in_the_store_is_shown_from_there(
    fake: FakeLabelStudio, stack: Stack
) -> None:
    data = {"image": "/data/upload/7/x.jpg", "key": "images/uploads/x.jpg"}
    task = live(fake, stack, {"data": data, "annotations": []})
    assert task["data"]["image"] == stack.image_source.url("images/uploads/x.jpg")


def test_upload_that_is_not_in_the_store_keeps_its_address(
    fake: FakeLabelStudio, stack: Stack
) -> None:
    task = live(fake, stack, {"data": {"image": "/data/upload/7/x.jpg"}, "annotations": []})
    assert task["data"]["image"] == "/data/upload/7/x.jpg"


def test_drafts_are_kept_beside_the_task(fake: FakeLabelStudio, stack: Stack) -> None:
    task = live(fake, stack, {"data": {}, "annotations": [], "drafts": [{"id": 2}]})
    assert task["meta"] == {"drafts": [{"id": 2}]}


def test_answers_about_an_earlier_picture_are_kept_apart(
    fake: FakeLabelStudio, stack: Stack
) -> None:
    """An imported annotation gets a new time, by which it would be about the new picture."""
    data = {"sha256": "aa", "replaced_by": "bb", "replaced_at": "2"}
    task = live(fake, stack, {"data": data, "annotations": [answer(6, "3"), answer(5, "1")]})
    assert task["data"] == {"sha256": "bb"}
    assert [a["id"] for a in task["annotations"]] == [6]
    assert [a["id"] for a in task["meta"]["said_of_replaced_picture"]] == [5]


def test_task_of_a_snapshot_has_the_answers_about_its_last_picture(stack: Stack) -> None:
    old = annotation(1, "a", id=1, key="images/x.jpg", sha256="aa", updated_at="1", outdated=True)
    new = annotation(1, "a", id=2, key="images/x.jpg", sha256="bb", updated_at="2")
    (task,) = stored_tasks(stack, stack.catalog, Snapshot(annotations=(new, old)))
    assert (task["data"]["sha256"], [a["id"] for a in task["annotations"]]) == ("bb", [2])


def test_task_of_a_snapshot_without_a_key_is_left_out(stack: Stack) -> None:
    snapshot = Snapshot(annotations=(annotation(1, "a", key=""),))
    assert list(stored_tasks(stack, stack.catalog, snapshot)) == []


def test_person_of_a_snapshot_is_named_where_the_address_is_known(stack: Stack) -> None:
    answers = (annotation(1, "a", annotator=3), annotation(2, "a", annotator=4))
    snapshot = Snapshot(annotations=answers, people={3: "ann@example.org"})
    first, second = stored_tasks(stack, stack.catalog, snapshot)
    assert first["annotations"][0]["completed_by"] == {"id": 3, "email": "ann@example.org"}
    assert "completed_by" not in second["annotations"][0]


def test_accepted_prediction_of_a_snapshot_names_its_version(stack: Stack) -> None:
    snapshot = Snapshot(annotations=(annotation(1, "a", accepted="v3-abcdef"),))
    (task,) = stored_tasks(stack, stack.catalog, snapshot)
    (item,) = task["annotations"][0]["result"]
    assert (item["model_version"], item["score"]) == ("v3-abcdef", 1.0)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_file_is_one_json_list(tmp_path: Path, count: int) -> None:
    tasks = [{"data": {"key": f"ü{n}"}} for n in range(count)]
    assert write_tasks(tmp_path / "tasks.json", tasks) == count
    assert json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8")) == tasks
