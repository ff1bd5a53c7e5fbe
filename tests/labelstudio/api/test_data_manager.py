"""Pages of tasks, and actions on many."""

import json

from support.fake_label_studio import FakeLabelStudio

from annolooop.labelstudio.api import data_manager
from annolooop.labelstudio.api.data_manager import DataManager, condition

TASKS, ACTIONS = "/api/tasks", "/api/dm/actions"


def test_pages_go_on_after_the_last_id(fake: FakeLabelStudio) -> None:
    fake.answer("GET", TASKS, {"tasks": [{"id": 3}, {"id": 5}], "total": 3})
    fake.answer("GET", TASKS, {"tasks": [{"id": 9}], "total": 1})
    tasks = DataManager(fake.connection()).tasks(7, "id")
    assert [task["id"] for task in tasks] == [3, 5, 9]
    queries = [json.loads(request.query["query"]) for request in fake.requests]
    assert queries[0]["filters"]["items"] == []
    assert queries[1]["filters"]["items"] == [condition("id", "greater", "Number", 5)]


def test_empty_page_ends_the_list_though_the_server_counts_more(fake: FakeLabelStudio) -> None:
    fake.answer("GET", TASKS, {"tasks": [], "total": 4})
    assert list(DataManager(fake.connection()).tasks(7, "id")) == []
    assert len(fake.requests) == 1


def test_conditions_hold_on_every_page(fake: FakeLabelStudio) -> None:
    fake.answer("GET", TASKS, {"tasks": [{"id": 1}], "total": 2})
    fake.answer("GET", TASKS, {"tasks": [], "total": 0})
    own = condition("data.vanished", "empty", "String", False)
    list(DataManager(fake.connection()).tasks(7, "id", [own]))
    for request in fake.requests:
        assert own in json.loads(request.query["query"])["filters"]["items"]


def test_page_asks_for_one_project_and_only_its_columns(fake: FakeLabelStudio) -> None:
    fake.answer("GET", TASKS, {"tasks": [], "total": 0})
    DataManager(fake.connection()).page(7, "id,data", size=5, newest=True, only=[4])
    (request,) = fake.requests
    assert (request.query["project"], request.query["include"]) == ("7", "id,data")
    assert (request.query["page_size"], request.query["fields"]) == ("5", "task_only")
    query = json.loads(request.query["query"])
    assert query["ordering"] == ["-tasks:id"]
    assert query["selectedItems"] == {"all": False, "included": [4]}


def test_page_has_what_other_tables_hold_if_asked(fake: FakeLabelStudio) -> None:
    fake.answer("GET", TASKS, {"tasks": [], "total": 0})
    DataManager(fake.connection()).page(7, "id,predictions", whole=True)
    assert fake.requests[0].query["fields"] == "all"


def test_action_is_one_request_for_all_of_its_tasks(fake: FakeLabelStudio) -> None:
    fake.answer("POST", ACTIONS, {"processed_items": 2})
    manager = DataManager(fake.connection())
    answer = manager.act(7, "delete_tasks_predictions", range(1, 3), extra="x")
    assert answer == {"processed_items": 2}
    (request,) = fake.requests
    assert request.query == {"id": "delete_tasks_predictions", "project": "7"}
    assert request.body == {"selectedItems": {"all": False, "included": [1, 2]}, "extra": "x"}


def test_action_may_be_limited_by_conditions(fake: FakeLabelStudio) -> None:
    fake.answer("POST", ACTIONS, {})
    own = condition("total_annotations", "equal", "Number", 0)
    DataManager(fake.connection()).act(7, "predictions_to_annotations", [1], [own])
    assert fake.requests[0].body["filters"] == {"conjunction": "and", "items": [own]}


def test_list_of_ids_fits_an_address() -> None:
    assert data_manager.IDS_PER_URL * len("%2C%201234567") < 2000
