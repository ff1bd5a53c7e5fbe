"""A real project whose model was trained, with open tasks that show its predictions."""

from support.annotators import sign_up
from support.project import Project, write_photos

from annolooop.domain.annotations import Annotation
from annolooop.domain.progress import untracked
from annolooop.labelstudio.api.studio import Studio
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.labels.pull import pull
from annolooop.loop.train.train import train
from annolooop.stack import Stack

COUNT = 72


def label_of(key: str) -> str:
    return "not_aria" if "not_aria" in key else "aria"


class TrainedLoop:
    """Pictures in Label Studio, some of them labelled, and a model that learned from those."""

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

    def delete(self, annotation: int) -> None:
        self.stack().studio.connection.call("DELETE", f"/api/annotations/{annotation}")
