"""Confident predictions are accepted once, and nobody learns from them."""

import csv
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.fake_studio import FakeStudio, fake_stack
from support.trained_loop import TrainedLoop

from annolooop.domain.annotations import Annotation
from annolooop.domain.progress import untracked
from annolooop.domain.split import split_of
from annolooop.errors import DataError
from annolooop.loop.quality.accept import accept, finish_interrupted
from annolooop.loop.quality.propose import AcceptOptions
from annolooop.loop.quality.undo import undo_accept
from annolooop.loop.train.train import train
from annolooop.storage import intents
from annolooop.storage.series import Series

OPTIONS = AcceptOptions(precision=0.7, spot_check=0.4)
DO_IT = AcceptOptions(precision=0.7, spot_check=0.4, yes=True)
FEW = "takes at least 149 labelled images of the holdout, all predicted correctly; there are"


def announcement(loop: TrainedLoop) -> str:
    """Where a request that accepts or deletes is announced."""
    return f"datasets/{loop.name}/accepting.json"


def test_a_precision_that_so_few_labels_cannot_show_is_refused(loop: TrainedLoop) -> None:
    with pytest.raises(DataError, match=FEW):
        accept(loop.stack(), AcceptOptions(), untracked)


def test_labels_that_the_model_does_not_know_count_as_errors(loop: TrainedLoop) -> None:
    with pytest.raises(DataError, match=FEW) as refused:
        accept(loop.stack(), AcceptOptions(), untracked)
    held = next(a for a in loop.annotations() if split_of(a.sha256, 0.5) == "holdout")
    loop.change(held.id, "a label that the model does not know")
    with pytest.raises(DataError, match=refused.value.message):  # as many images as before
        accept(loop.stack(), AcceptOptions(), untracked)


def test_without_yes_it_only_counts(loop: TrainedLoop) -> None:
    report = accept(loop.stack(), OPTIONS, untracked)
    assert (report.applied, report.exit_code) == (False, 2)
    assert report.accepted >= 4
    assert report.spot_check
    assert not loop.accepted()


def test_after_an_interruption_the_rest_is_accepted_and_nothing_twice(
    loop: TrainedLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = loop.stack()
    send = stack.studio.predictions.accept

    def die(*args: Any) -> int:
        send(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(stack.studio.predictions, "accept", die)
    with pytest.raises(KeyboardInterrupt):
        accept(stack, replace(DO_IT, limit=2), untracked)
    rest = accept(loop.stack(), DO_IT, untracked)
    kept = Series[dict[str, Any]](loop.stack().store, f"datasets/{loop.name}/accepted", dict)
    assert [record["accepted"] for record in kept.each()] == [2, rest.accepted]
    again = accept(loop.stack(), DO_IT, untracked)
    assert (again.accepted, again.exit_code) == (0, 0)
    assert not loop.stack().store.exists(announcement(loop))
    assert len(loop.accepted()) == 2 + rest.accepted


def test_only_untouched_tasks_outside_of_the_holdout_are_accepted(loop: TrainedLoop) -> None:
    drafted, studio = loop.open[0].id, loop.stack().studio
    draft = studio.connection.post(f"/api/tasks/{drafted}/drafts", {"result": [], "lead_time": 1.0})
    accept(loop.stack(), DO_IT, untracked)
    accepted = loop.accepted()
    assert drafted not in accepted
    assert accepted
    assert accepted.keys() < {task.id for task in loop.open}
    version = loop.stack().registry.current()
    assert version
    assert {a.accepted for a in accepted.values()} == {version.name}
    assert {split_of(a.sha256, 0.5) for a in accepted.values()} == {"train"}
    studio.connection.call("DELETE", f"/api/drafts/{draft['id']}")


def test_labels_accepted_with_thresholds_of_their_own_are_undone_like_others(
    loop: TrainedLoop,
) -> None:
    options = AcceptOptions(precision=0.5, spot_check=0.0, yes=True, per_label=True)
    report = accept(loop.stack(), options, untracked)
    sure = {row.label: row.threshold.value for row in report.per_label}
    assert report.accepted == len(loop.accepted()) >= 1
    assert all(sure[label] is not None for label in report.labels)
    undone = undo_accept(loop.stack(), report.version, True, untracked)
    assert undone.withdrawn == report.accepted
    assert not loop.accepted()


def test_no_model_learns_from_what_is_accepted(
    loop: TrainedLoop, accepted: list[Annotation]
) -> None:
    (version,) = {a.accepted for a in accepted}
    assert train(loop.stack(), True, untracked).model_version == version


def test_accepted_labels_are_exported_apart(loop: TrainedLoop, accepted: list[Annotation]) -> None:
    loop.project.typed("dataset", "export", "--format", "csv", "--out", "out.csv", "--overwrite")
    with (loop.project.folder / "out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (version,) = {a.accepted for a in accepted}
    marked = {row["key"]: row for row in rows if row["accepted_by"] == version}
    assert {row["key"] for row in rows} >= marked.keys() == {a.key for a in accepted}
    assert all(json.loads(row["annotators"] or "[]") == [] for row in marked.values())


@pytest.mark.parametrize("body", [b"", b'{"at": 5}', b'{"before": 1, "record": {"by": "ana"}}'])
def test_damaged_announcement_is_waited_for_and_makes_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(intents, "SECONDS_OF_QUIET", 0.2)
    studio = FakeStudio()
    stack = fake_stack(tmp_path, studio)
    project = studio.add_project("cats")
    stack.store.put("datasets/cats/accepting.json", body)
    begun = time.monotonic()
    finish_interrupted(stack, project)
    assert time.monotonic() - begun > 0.2
    assert [o.key for o in stack.store.walk("datasets")] == []
