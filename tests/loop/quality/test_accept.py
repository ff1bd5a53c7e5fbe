"""What the model is sure of is accepted, and taken back; what people got wrong is found."""

import csv
import json
from typing import Any

import pytest
from support.annotators import sign_up
from support.project import Project, Server, on_server, write_photos

from annolooop.domain.annotations import Annotation
from annolooop.domain.progress import untracked
from annolooop.domain.split import split_of
from annolooop.errors import DataError
from annolooop.labelstudio.api.studio import Studio
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.labels.pull import pull
from annolooop.loop.quality.accept import AcceptOptions, accept, undo
from annolooop.loop.quality.review import FIELD, TITLE, review
from annolooop.loop.train.train import train
from annolooop.stack import Stack

COUNT = 72


def label_of(key: str) -> str:
    return "not_aria" if "not_aria" in key else "aria"


class Loop:
    """Pictures in Label Studio, some of them labelled, and a model that learnt from those."""

    def __init__(self, project: Project) -> None:
        project.write({**project.values, "train": {"holdout": 0.5}})
        self.project = project
        train(self.stack(), False, untracked)
        names = [f"{kind}_{n}.png" for n in range(COUNT // 2) for kind in ("aria", "not_aria")]
        write_photos(project.folder / "b", names)
        infer(self.stack(), str(project.folder / "b"), InferOptions(), untracked)
        self.name = self.stack().config.dataset.name
        found = self.stack().studio.projects.find(self.name)
        assert found
        self.id = found.id
        tasks = list(self.stack().studio.tasks.list(found.id))
        self.open = tasks[::3]
        self.labelled = [task for task in tasks if task not in self.open]
        for task in self.labelled:
            self.stack().studio.annotations.create(found.id, task.id, [label_of(task.key)], 1.0)
        train(self.stack(), True, untracked)
        self.push()

    def stack(self) -> Stack:
        return self.project.stack()

    def push(self) -> None:
        options = InferOptions(rerun=True)
        infer(self.stack(), str(self.project.folder / "b"), options, untracked)

    def annotations(self) -> tuple[Annotation, ...]:
        stack = self.stack()
        found = stack.studio.projects.find(self.name)
        assert found
        return pull(stack.studio, found, stack.snapshots.latest()).annotations

    def accepted(self) -> dict[int, Annotation]:
        return {a.task: a for a in self.annotations() if a.accepted}

    def person(self, name: str) -> Studio:
        """Someone else, who has an account."""
        return sign_up(self.stack().studio, f"{name}@example.org").studio

    def change(self, annotation: int, label: str) -> None:
        studio = self.stack().studio
        result = studio.connection.get(f"/api/annotations/{annotation}")["result"]
        result[0]["value"] = {"choices": [label]}
        body = {"result": result, "lead_time": 2.0}
        studio.connection.call("PATCH", f"/api/annotations/{annotation}", body=body)


@pytest.fixture(scope="module")
def loop(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Loop:
    return Loop(on_server(tmp_path_factory.mktemp("trust"), server, "trust"))


def test_what_is_sure_is_accepted_once_and_taken_back_unless_people_changed_it(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = loop.project
    monkeypatch.setattr("annolooop.storage.intents.SECONDS_OF_QUIET", 0.5)
    version = loop.stack().registry.current()
    assert version
    few = "takes at least 149 labelled images of the holdout, all predicted right; there are"
    with pytest.raises(DataError, match=few) as refused:
        accept(loop.stack(), AcceptOptions(), untracked)
    held = next(a for a in loop.annotations() if split_of(a.sha256, 0.5) == "holdout")
    loop.change(held.id, "a label that the model does not know")  # so it is wrong
    with pytest.raises(DataError, match=refused.value.message):
        accept(loop.stack(), AcceptOptions(), untracked)
    loop.change(held.id, held.labels[0])
    drafted = loop.open[0].id
    studio = loop.stack().studio
    studio.connection.post(f"/api/tasks/{drafted}/drafts", {"result": [], "lead_time": 1.0})
    options = AcceptOptions(precision=0.7, spot_check=0.4)
    plan = accept(loop.stack(), options, untracked)
    assert (plan.applied, plan.exit_code) == (False, 2)
    assert plan.accepted >= 4
    assert plan.spot_check
    assert not loop.accepted()
    # Some at first, as where it was interrupted; then the rest, and none twice.
    some = project.typed("dataset", "accept", "--precision", "0.7", "--limit", "2", "--yes")
    assert some["accepted"] == 2
    note = f"datasets/{loop.name}/accepting.json"
    loop.stack().store.put(note, b"{}")  # of someone who was killed in the middle of a request
    rest = accept(loop.stack(), AcceptOptions(0.7, 0.4, None, True), untracked)
    again = accept(loop.stack(), AcceptOptions(0.7, 0.4, None, True), untracked)
    assert (again.accepted, again.exit_code) == (0, 0)
    assert not loop.stack().store.exists(note)
    made = loop.accepted()
    assert len(made) == 2 + rest.accepted
    assert drafted not in made
    assert made.keys() < {task.id for task in loop.open}
    assert {a.accepted for a in made.values()} == {version.name}
    assert {split_of(a.sha256, 0.5) for a in made.values()} == {"train"}
    # Nothing is learnt from them, and they are exported, apart.
    assert train(loop.stack(), True, untracked).model_version == version.name
    project.typed("dataset", "export", "--format", "csv", "--out", "out.csv")
    with (project.folder / "out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    marked = {row["key"]: row for row in rows if row["accepted_by"] == version.name}
    assert {row["key"] for row in rows} >= marked.keys() == {a.key for a in made.values()}
    assert all(json.loads(row["annotators"] or "[]") == [] for row in marked.values())
    # A person corrects one: it is theirs now, and stays.
    corrected, *others = made.values()
    wrong = "aria" if corrected.labels == ("not_aria",) else "not_aria"
    loop.change(corrected.id, wrong)
    studio.annotations.create(
        loop.id, others[0].task, [wrong], 1.0
    )  # and one says something else beside
    foreseen = undo(loop.stack(), "v2", False, untracked)
    assert (foreseen.withdrawn, foreseen.exit_code) == (len(others), 2)
    done = undo(loop.stack(), "v2", True, untracked)
    assert (done.withdrawn, done.kept) == (len(others), 0)
    assert not loop.accepted()
    left = {a.task: a for a in loop.annotations()}
    assert left[corrected.task].labels == left[others[0].task].labels == (wrong,)
    assert left[corrected.task].annotator is not None
    assert len(left) == len(loop.labelled) + 2
    # What someone copies from one task to others is theirs, though a model's score is in it.
    action = {"id": "propagate_annotations", "project": loop.id}
    to = [task.id for task in loop.open if task.id not in left][:1]
    chosen = {"all": False, "included": to}
    copied = {"source_annotation_id": corrected.id, "selectedItems": chosen}
    studio.connection.post("/api/dm/actions", copied, action)
    copy = next(a for a in loop.annotations() if a.task == to[0])
    assert (copy.labels, copy.accepted) == ((wrong,), "")
    studio.connection.call("DELETE", f"/api/annotations/{copy.id}")
    # People who annotate all the while do not hold up what waits for an interrupted request.
    monkeypatch.setattr("annolooop.storage.intents.SECONDS_OF_QUIET", 600)
    monkeypatch.setattr("annolooop.loop.quality.accept.SECONDS_TO_WAIT", 0.5)
    loop.stack().store.put(note, b"{}")
    assert undo(loop.stack(), "v2", True, untracked).withdrawn == 0


def test_wrong_labels_are_found_shown_and_not_asked_again_once_confirmed(loop: Loop) -> None:
    given = {a.task: a for a in loop.annotations()}
    planted = [given[task.id] for task in loop.labelled[10:12]]
    for a in planted:
        loop.change(a.id, "aria" if a.labels == ("not_aria",) else "not_aria")
    stack = loop.stack()
    found = review(stack, loop.name, 8, True, untracked)
    suspects = {s.task: s for s in found.suspects}
    assert {a.task for a in planted} <= suspects.keys()
    for a in planted:
        assert suspects[a.task].suggested == a.labels
    assert (found.overlaps[0].first, found.overlaps[0].second) == ("aria", "not_aria")
    view = stack.studio.views.find(loop.id, TITLE)
    assert view
    assert found.url.endswith(f"tab={view.id}")
    asked: dict[str, Any] = stack.studio.tasks.data(loop.id, [found.suspects[0].task])
    (data,) = asked.values()
    assert data[FIELD].startswith("r0001-00001 ")
    assert "It looks like" in data[FIELD]
    # One is corrected, the other one left as it is.
    loop.change(planted[0].id, planted[0].labels[0])
    loop.change(planted[1].id, suspects[planted[1].task].labels[0])
    after = review(loop.stack(), loop.name, 50, False, untracked)
    assert (after.corrected, after.confirmed) == (1, 1)
    assert after.still_open == len(found.suspects) - 2
    assert not {a.task for a in planted} & {s.task for s in after.suspects}
    # Someone who says otherwise, and is outvoted, confirms nothing.
    confirmed = planted[1]
    for label in (suspects[confirmed.task].labels[0], confirmed.labels[0]):
        loop.person(label).annotations.create(loop.id, confirmed.task, [label], 1.0)
    assert review(loop.stack(), loop.name, 50, False, untracked).confirmed == 0
    told = loop.project.json("dataset", "curve")
    assert told["judged_by"] == "out-of-fold"
    assert [point["share"] for point in told["points"]] == [0.25, 0.5, 0.75, 1.0]
    assert told["gain"]["low"] <= told["gain"]["value"] <= told["gain"]["high"]
