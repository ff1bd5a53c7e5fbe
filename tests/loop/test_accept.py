"""What the model is sure of is accepted once, told from people's labels, and taken back."""

import csv
import json

import pytest
from conftest import Project, write_photos

from annolooop.errors import DataError
from annolooop.loop.accept import AcceptOptions, accept, undo
from annolooop.loop.infer import InferOptions, infer
from annolooop.loop.pull import pull
from annolooop.loop.train import train
from annolooop.records import Annotation, untracked
from annolooop.stack import Stack
from annolooop.storage.dataset import split_of

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
        found = self.stack().studio.find_project(self.name)
        assert found
        self.id = found.id
        tasks = list(self.stack().studio.tasks(found.id))
        self.open = tasks[::3]
        self.labelled = [task for task in tasks if task not in self.open]
        for task in self.labelled:
            self.stack().studio.annotate(found.id, task.id, [label_of(task.key)], 1.0)
        train(self.stack(), True, untracked)
        self.push()

    def stack(self) -> Stack:
        return self.project.stack()

    def push(self) -> None:
        options = InferOptions(rerun=True)
        infer(self.stack(), str(self.project.folder / "b"), options, untracked)

    def annotations(self) -> tuple[Annotation, ...]:
        stack = self.stack()
        found = stack.studio.find_project(self.name)
        assert found
        return pull(stack.studio, found, stack.snapshots.latest()).annotations

    def accepted(self) -> dict[int, Annotation]:
        return {a.task: a for a in self.annotations() if a.accepted}

    def change(self, annotation: int, label: str) -> None:
        studio = self.stack().studio
        result = studio._server.get(f"/api/annotations/{annotation}")["result"]
        result[0]["value"] = {"choices": [label]}
        body = {"result": result, "lead_time": 2.0}
        studio._server.call("PATCH", f"/api/annotations/{annotation}", body=body)


def test_what_is_sure_is_accepted_once_and_taken_back_unless_people_changed_it(
    project: Project,
) -> None:
    loop = Loop(project)
    version = loop.stack().registry.promoted()
    assert version
    with pytest.raises(DataError, match="takes at least 149 labelled images of the holdout"):
        accept(loop.stack(), AcceptOptions(), untracked)
    drafted = loop.open[0].id
    studio = loop.stack().studio
    studio._server.post(f"/api/tasks/{drafted}/drafts", {"result": [], "lead_time": 1.0})
    options = AcceptOptions(precision=0.7, spot_check=0.4)
    plan = accept(loop.stack(), options, untracked)
    assert (plan.applied, plan.exit_code) == (False, 2)
    assert plan.accepted >= 4
    assert plan.spot_check
    assert not loop.accepted()
    # Some at first, as where it was interrupted; then the rest, and none twice.
    some = project.typed("dataset", "accept", "--precision", "0.7", "--limit", "2", "--yes")
    assert some["accepted"] == 2
    rest = accept(loop.stack(), AcceptOptions(0.7, 0.4, None, True), untracked)
    again = accept(loop.stack(), AcceptOptions(0.7, 0.4, None, True), untracked)
    assert (again.accepted, again.exit_code) == (0, 0)
    made = loop.accepted()
    assert len(made) == 2 + rest.accepted
    assert drafted not in made
    assert made.keys() < {task.id for task in loop.open}
    assert {a.accepted for a in made.values()} == {version.name}
    assert {split_of(a.sha256, 0.5) for a in made.values()} == {"train"}
    # Nothing is learnt from them, and they are exported, apart.
    assert train(loop.stack(), True, untracked).version == version.name
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
    studio.annotate(loop.id, others[0].task, [wrong], 1.0)  # and one says something else beside
    foreseen = undo(loop.stack(), "v2", False, untracked)
    assert (foreseen.withdrawn, foreseen.exit_code) == (len(others), 2)
    done = undo(loop.stack(), "v2", True, untracked)
    assert (done.withdrawn, done.kept) == (len(others), 0)
    assert not loop.accepted()
    left = {a.task: a for a in loop.annotations()}
    assert left[corrected.task].labels == left[others[0].task].labels == (wrong,)
    assert left[corrected.task].annotator is not None
    assert len(left) == len(loop.labelled) + 2
