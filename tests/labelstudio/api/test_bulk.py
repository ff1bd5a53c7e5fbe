"""One value in the data of many tasks: together where that pays, else one by one."""

import re
from typing import Any

from support.fake_label_studio import FakeLabelStudio

ACTIONS = "/api/dm/actions"


def applied(bodies: list[dict[str, Any]]) -> dict[int, str]:
    """What the tasks have after these actions: a server sets a value, or replaces a part of it."""
    values: dict[int, str] = {}
    for body in bodies:
        for task in body["selectedItems"]["included"]:
            if body["value_type"] == "String":
                values[task] = body["value"]
            else:
                found = re.fullmatch(r"replace\('(.)','(.)'\)", body["value"])
                assert found
                values[task] = values[task].replace(found[1], found[2])
    return values


def test_values_of_many_tasks_are_set_in_a_few_requests(fake: FakeLabelStudio) -> None:
    fake.answer("POST", ACTIONS, {})
    values = {task: f"r0007-{task:05d}" for task in range(1, 241)}
    fake.studio.tasks.set_value(7, "queue", values)
    bodies = fake.bodies("POST", ACTIONS)
    assert applied(bodies) == values
    assert len(bodies) <= 1 + 3 * 10
    assert {body["value_name"] for body in bodies} == {"queue"}


def test_letters_of_the_values_do_not_disturb_each_other(fake: FakeLabelStudio) -> None:
    fake.answer("POST", ACTIONS, {})
    values = {task: "abcde"[task % 5] + "abcde"[task % 3] for task in range(20)}
    fake.studio.tasks.set_value(7, "queue", values)
    assert applied(fake.bodies("POST", ACTIONS)) == values


def one_by_one(fake: FakeLabelStudio, values: dict[int, str]) -> dict[int, str]:
    for task in values:
        fake.answer("GET", f"/api/tasks/{task}", {"data": {"key": "x"}})
        fake.answer("PATCH", f"/api/tasks/{task}", {})
    fake.studio.tasks.set_value(7, "queue", values)
    sent = {task: fake.bodies("PATCH", f"/api/tasks/{task}") for task in values}
    return {task: body["data"]["queue"] for task, (body,) in sent.items()}


def test_few_tasks_are_changed_one_by_one(fake: FakeLabelStudio) -> None:
    values = {1: "a", 2: "b"}
    assert one_by_one(fake, values) == values
    assert fake.bodies("POST", ACTIONS) == []


def test_values_of_several_lengths_are_set_one_by_one(fake: FakeLabelStudio) -> None:
    values = {task: "x" * (1 + task % 2) for task in range(1, 11)}
    assert one_by_one(fake, values) == values


def test_server_without_the_action_gets_them_one_by_one(fake: FakeLabelStudio) -> None:
    fake.answer("POST", ACTIONS, {"detail": "no such action"}, 400)
    values = {task: f"{task:02d}" for task in range(1, 11)}
    assert one_by_one(fake, values) == values


def test_tasks_that_were_deleted_meanwhile_are_left_out(fake: FakeLabelStudio) -> None:
    fake.studio.tasks.set_value(7, "queue", {1: "a"})
    assert [request.method for request in fake.requests] == ["GET"]
