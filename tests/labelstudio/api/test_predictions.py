"""Predictions: created, counted, accepted, deleted."""

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.domain.tasks import Prediction
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api import predictions as module

IMPORT = "/api/projects/7/import/predictions"
ACTIONS = "/api/dm/actions"


def test_prediction_is_sent_with_its_version_and_score(fake: FakeLabelStudio, project: int) -> None:
    fake.answer("POST", IMPORT, {"created": 1})
    fake.studio.predictions.create(project, [(11, Prediction(("a",), 0.5))], "v1")
    (((row,),)) = fake.bodies("POST", IMPORT)
    assert (row["task"], row["model_version"], row["score"]) == (11, "v1", 0.5)
    assert row["result"][0]["value"] == {"choices": ["a"]}


def test_server_that_kept_fewer_is_an_error(fake: FakeLabelStudio, project: int) -> None:
    fake.answer("POST", IMPORT, {"created": 0})
    with pytest.raises(UnreachableError, match="kept 0 of the 1 predictions"):
        fake.studio.predictions.create(project, [(11, Prediction(("a",), 0.5))], "v1")


def test_only_tasks_that_nobody_touched_are_accepted(fake: FakeLabelStudio) -> None:
    fake.answer("POST", ACTIONS, {"detail": "Created 5 annotations"})
    assert fake.studio.predictions.accept(7, [1, 2], "v1") == 5
    (body,) = fake.bodies("POST", ACTIONS)
    assert {(i["filter"].rpartition(":")[2], i["value"]) for i in body["filters"]["items"]} == {
        ("total_annotations", 0),
        ("cancelled_annotations", 0),
        ("draft_exists", False),
    }
    assert (body["model_version"], body["selectedItems"]["included"]) == ("v1", [1, 2])


def test_predictions_of_many_tasks_are_deleted_in_parts(
    fake: FakeLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TASKS_PER_PAGE", 2)
    fake.answer("POST", ACTIONS, {})
    fake.studio.predictions.delete(7, [1, 2, 3])
    parts = [body["selectedItems"]["included"] for body in fake.bodies("POST", ACTIONS)]
    assert parts == [[1, 2], [3]]
