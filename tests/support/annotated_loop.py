"""A dataset of sixteen pictures on a real Label Studio, and what people do in it."""

import httpx
from support.project import Project, Server, write_photos

from annolooop.domain.progress import untracked
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.quality.stats import StatsReport, stats
from annolooop.loop.sync.sync import SyncReport, sync
from annolooop.loop.train.train import TrainReport, train

NAMES = [f"aria_{n}.jpg" for n in range(8)] + [f"not_aria_{n}.jpg" for n in range(8)]


class Loop:
    """A project with sixteen tasks, and what people do in it."""

    def __init__(self, project: Project, server: Server) -> None:
        self.project = project
        self.http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Token {server.token}"}
        )
        train(project.stack(), False, untracked)
        write_photos(project.folder / "b", NAMES)
        infer(project.stack(), str(project.folder / "b"), InferOptions(), untracked)
        stack = project.stack()
        self.studio = stack.studio
        self.name = stack.config.dataset.name
        found = self.studio.projects.find(self.name)
        assert found
        self.id = found.id
        self.tasks = {
            task.key.rpartition("/")[2]: task.id for task in self.studio.tasks.list(found.id)
        }

    def annotate(self, name: str, label: str) -> None:
        self.studio.annotations.create(self.id, self.tasks[name], [label], 1.0)

    def annotate_all(self) -> None:
        for name in NAMES:
            self.annotate(name, "not_aria" if "not_aria" in name else "aria")

    def skip(self, name: str) -> None:
        body = {"result": [], "was_cancelled": True}
        self.http.post(f"/api/tasks/{self.tasks[name]}/annotations", json=body).raise_for_status()

    def annotation_id(self, name: str) -> int:
        task = self.http.get(f"/api/tasks/{self.tasks[name]}").json()
        return int(task["annotations"][0]["id"])

    def correct(self, name: str, label: str) -> None:
        result = [
            {
                "from_name": "label",
                "to_name": "image",
                "type": "choices",
                "value": {"choices": [label]},
            }
        ]
        url = f"/api/annotations/{self.annotation_id(name)}"
        self.http.patch(url, json={"result": result}).raise_for_status()

    def delete(self, name: str) -> None:
        self.http.delete(f"/api/annotations/{self.annotation_id(name)}").raise_for_status()

    def sync(self) -> SyncReport:
        return sync(self.project.stack(), False, untracked)

    def train(self, rerun: bool = True) -> TrainReport:
        return train(self.project.stack(), rerun, untracked)

    def stats(self) -> StatsReport:
        return stats(self.project.stack(), self.name)


def changes(report: SyncReport) -> tuple[int, int, int]:
    return report.created, report.updated, report.deleted
