"""Annotations as the server exports them: whose they are, of which picture, accepted or not."""

import json
from typing import Any

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.domain.annotations import UNSENT, Annotation
from annolooop.errors import DataError
from annolooop.labelstudio.api import annotations as module
from annolooop.labelstudio.api.annotations import is_accepted
from annolooop.labelstudio.api.connection import Connection, Failed

EXPORT = "/api/projects/7/export"
VERSIONS = "/api/projects/7/model-versions/"
AA, BB = "a" * 64, "b" * 64
CHOICE = {"from_name": "choice", "to_name": "image", "type": "choices", "value": {"choices": ["a"]}}


def answer(**fields: Any) -> dict[str, Any]:
    """What a person submitted."""
    plain = {"id": 5, "was_cancelled": False, "updated_at": "2", "result": [CHOICE]}
    return {**plain, "completed_by": 3, "lead_time": 1.5, **fields}


def accepted(**fields: Any) -> dict[str, Any]:
    """What the action made of prediction 40."""
    return answer(parent_prediction=40, lead_time=None, result=[{**CHOICE, "score": 0.9}], **fields)


def exported(fake: FakeLabelStudio, raw: dict[str, Any], **data: str) -> Annotation:
    task = {"id": 1, "data": {"key": "x.jpg", "sha256": AA, **data}, "annotations": [raw]}
    fake.answer("GET", EXPORT, [task])
    (one,) = fake.studio.annotations.list(7, [1])
    return one


def test_answer_of_a_person(fake: FakeLabelStudio, project: int) -> None:
    one = exported(fake, answer())
    assert (one.id, one.task, one.key, one.sha256) == (5, 1, "x.jpg", AA)
    assert (one.labels, one.skipped, one.annotator, one.accepted) == (("a",), False, 3, "")


def test_skipped_task_has_no_labels(fake: FakeLabelStudio, project: int) -> None:
    one = exported(fake, answer(was_cancelled=True))
    assert (one.labels, one.skipped) == ((), True)


def test_annotator_may_come_as_a_record(fake: FakeLabelStudio, project: int) -> None:
    assert exported(fake, answer(completed_by={"id": 9, "email": "x"})).annotator == 9


def test_answer_about_an_earlier_picture_is_outdated(fake: FakeLabelStudio, project: int) -> None:
    one = exported(fake, answer(), replaced_by=BB, replaced_at="3")
    assert (one.sha256, one.outdated) == (AA, True)


def test_answer_about_the_picture_of_now_is_not_outdated(
    fake: FakeLabelStudio, project: int
) -> None:
    one = exported(fake, answer(), replaced_by=BB, replaced_at="1")
    assert (one.sha256, one.outdated) == (BB, False)


def test_accepted_prediction_names_its_version(fake: FakeLabelStudio, project: int) -> None:
    fake.answer("GET", VERSIONS, {"static": [{"model_version": "v3", "count": 9}]})
    assert exported(fake, accepted()).accepted == "v3"


def test_predictions_are_asked_for_where_there_are_several_versions(
    fake: FakeLabelStudio, project: int
) -> None:
    both = [{"model_version": v, "count": 1} for v in ("v3", "v4")]
    fake.answer("GET", VERSIONS, {"static": both})
    predictions = [{"id": 39, "model_version": "v4"}, {"id": 40, "model_version": "v3"}]
    fake.answer("GET", "/api/tasks", {"tasks": [{"predictions": predictions}], "total": 1})
    assert exported(fake, accepted()).accepted == "v3"


def test_accepted_prediction_that_was_deleted_is_of_an_unknown_version(
    fake: FakeLabelStudio, project: int
) -> None:
    fake.answer("GET", VERSIONS, {"static": []})
    fake.answer("GET", "/api/tasks", {"tasks": [{"predictions": []}], "total": 1})
    raw = {**accepted(), "parent_prediction": None}
    assert exported(fake, raw).accepted == "unknown"


def test_accepted_prediction_that_someone_changed_is_theirs(
    fake: FakeLabelStudio, project: int
) -> None:
    one = exported(fake, accepted(updated_by=8))
    assert (one.annotator, one.accepted) == (8, "")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (accepted(), True),
        (accepted(updated_by=8), False),
        ({**accepted(), "lead_time": 2.0}, False),
        (accepted(parent_annotation=4), False),
        ({**accepted(), "parent_prediction": None}, True),
        ({**accepted(ground_truth=True), "parent_prediction": None}, False),
        (answer(), False),
        (answer(lead_time=None), False),
    ],
)
def test_what_the_action_made_differs_from_what_people_submit(
    raw: dict[str, Any], expected: bool
) -> None:
    assert is_accepted(raw) is expected


def test_many_tasks_are_exported_in_parts(
    fake: FakeLabelStudio, project: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TASKS_PER_EXPORT", 2)
    fake.answer("GET", EXPORT, [])
    assert list(fake.studio.annotations.list(7, [3, 1, 2])) == []
    exports = [request for request in fake.requests if request.path == EXPORT]
    assert len(exports) == 2


def test_accepted_annotation_that_someone_changed_meanwhile_is_kept(fake: FakeLabelStudio) -> None:
    fake.answer("GET", "/api/annotations/5", answer(updated_by=8))
    assert not fake.studio.annotations.withdraw_one(5)
    assert [request.method for request in fake.requests] == ["GET"]


def test_annotation_that_is_gone_already_was_not_withdrawn(fake: FakeLabelStudio) -> None:
    assert not fake.studio.annotations.withdraw_one(5)


def test_only_tasks_that_did_not_change_since_lose_their_annotation(fake: FakeLabelStudio) -> None:
    fake.answer("POST", "/api/dm/actions", {"processed_items": 2})
    assert fake.studio.annotations.withdraw_accepted(7, [1, 2, 3], 9, "2026-01-01") == 2
    (body,) = fake.bodies("POST", "/api/dm/actions")
    items = {(i["filter"].rpartition(":")[2], i["value"]) for i in body["filters"]["items"]}
    assert {("total_annotations", 1), ("updated_at", "2026-01-01")} <= items
    assert body["annotator"] == 9


def test_hash_of_peoples_own_is_none(fake: FakeLabelStudio, project: int) -> None:
    one = exported(fake, answer(), sha256="mine")
    assert (one.sha256, one.labels) == ("", ("a",))


def test_result_that_cannot_be_read_is_named_and_kept_as_it_is(
    fake: FakeLabelStudio, project: int
) -> None:
    result = [{**CHOICE, "value": {"choices": 5}}]
    one = exported(fake, answer(result=result))
    assert (one.labels, one.unreadable) == ((), "its choices are 5, not a list")
    assert json.loads(one.extra) == result


@pytest.mark.parametrize("result", [None, "red", [3], {"a": 1}])
def test_odd_result_is_not_taken_for_an_accepted_prediction(
    fake: FakeLabelStudio, project: int, result: object
) -> None:
    one = exported(fake, answer(result=result, lead_time=None))
    assert (one.accepted, bool(one.unreadable)) == ("", True)


def failing_at(monkeypatch: pytest.MonkeyPatch, bad: set[int]) -> list[int]:
    """A server that fails to export these tasks. Returns how many tasks each request asks for."""
    sizes: list[int] = []

    def get(self: Connection, path: str, params: dict[str, Any], tries: int = 3) -> object:
        if path != EXPORT:
            rows = {"data": {"key": "x.jpg", "sha256": AA}, "updated_at": "9"}
            ids = json.loads(params["query"])["selectedItems"]["included"]
            return {"tasks": [{"id": n, "annotations_ids": f"{n}0,{n}1", **rows} for n in ids]}
        sizes.append(len(params["ids[]"]))
        if bad & set(params["ids[]"]):
            raise Failed("500")
        return [
            {"id": n, "data": {"key": f"{n}.jpg"}, "annotations": [answer(id=n)]}
            for n in params["ids[]"]
        ]

    monkeypatch.setattr(Connection, "get", get)
    return sizes


def test_task_that_label_studio_fails_to_export_is_found_and_the_others_come(
    fake: FakeLabelStudio, project: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake.studio
    studio.projects.get(7)
    sizes = failing_at(monkeypatch, {5})
    found = list(studio.annotations.list(7, range(1, 17)))
    assert [a.task for a in found] == [*range(1, 5), *range(6, 17), 5, 5]
    assert [(a.id, a.unreadable) for a in found[-2:]] == [(50, UNSENT), (51, UNSENT)]
    assert len(sizes) == 9  # each half of the failing one


def test_server_that_always_fails_is_an_error(
    fake: FakeLabelStudio, project: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake.studio
    studio.projects.get(7)
    sizes = failing_at(monkeypatch, set(range(1000)))
    with pytest.raises(Failed):
        list(studio.annotations.list(7, range(300)))
    assert len(sizes) < 100


def test_whole_export_names_the_task_that_fails(
    fake: FakeLabelStudio, project: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = fake.studio
    studio.projects.get(7)
    failing_at(monkeypatch, {5})
    monkeypatch.setattr(type(studio.annotations), "changed_tasks", lambda *_: dict.fromkeys([4, 5]))
    with pytest.raises(DataError, match="fails to export its task 5"):
        list(studio.annotations.export(7, annotated=True))
    unsent: list[int] = []
    assert [task["id"] for task in studio.annotations.export(7, True, unsent)] == [4]
    assert unsent == [5]
