"""A Label Studio in memory, for rules that need no real one."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from support.project import LABELS, Project

from annolooop.domain.annotations import ProjectCounts
from annolooop.domain.tasks import Task
from annolooop.labelstudio.api.views import View
from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.label_page import PLAIN, LabelPage
from annolooop.stack import Stack


@dataclass
class FakeStudio:
    """What a server holds; its resources are attributes, as those of a real one.

    Attributes:
        known: projects with what they ask for.
        listed: tasks of all projects.
        predicted: version -> ids of tasks.
        uploads: tasks without a key: id and address.
        files: address -> kind and bytes, or the error that fetching it raises.
        wrote: each change, in order.
        view: the queue's tab.
        counts: how many tasks match, for each question that is asked.
    """

    known: dict[int, tuple[ProjectCounts, Labelling]] = field(default_factory=dict)
    listed: list[Task] = field(default_factory=list)
    predicted: dict[str, list[int]] = field(default_factory=dict)
    uploads: list[tuple[int, str]] = field(default_factory=list)
    files: dict[str, tuple[str, bytes] | Exception] = field(default_factory=dict)
    wrote: list[tuple[object, ...]] = field(default_factory=list)
    view: View | None = None
    counts: list[int] = field(default_factory=list)
    appear: Callable[[], None] = lambda: None  # called before a project is looked for

    def __post_init__(self) -> None:
        self.projects, self.tasks = _Projects(self), _Tasks(self)
        self.predictions, self.views = _Predictions(self), _Views(self)

    def fetch(self, address: str) -> tuple[str, bytes]:
        self.wrote.append(("fetch", address))
        answer = self.files[address]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def add_project(
        self,
        title: str,
        labels: Sequence[str] = LABELS,
        choice: str = "single",
        required: bool = True,
        own: bool = False,
    ) -> ProjectCounts:
        number = len(self.known) + 1
        counts = ProjectCounts(number, f"then {number}", title, 0, 0, 0, 0, "")
        self.known[number] = (counts, Labelling(tuple(labels), choice, required=required, own=own))
        return counts


class _Resource:
    def __init__(self, of: FakeStudio) -> None:
        self.of = of


class _Projects(_Resource):
    def find(self, title: str) -> ProjectCounts | None:
        self.of.appear()
        return next((p for p, _ in self.of.known.values() if p.title == title), None)

    def get(self, project: int) -> ProjectCounts | None:
        return self.of.known[project][0] if project in self.of.known else None

    def list(self) -> list[ProjectCounts]:
        return [project for project, _ in self.of.known.values()]

    def create(
        self,
        title: str,
        labels: Sequence[str],
        choice: str,
        label_config: str = "",
        page: LabelPage = PLAIN,
    ) -> ProjectCounts:
        self.of.wrote.append(("create", title))
        return self.of.add_project(title, labels, choice)

    def labelling(self, project: int) -> Labelling:
        return self.of.known[project][1]

    def asks_for(
        self,
        project: int,
        labels: Sequence[str],
        choice: str,
        without: Sequence[str] = (),
        page: LabelPage = PLAIN,
    ) -> bool:
        known = self.of.known[project][1]
        asks = known.required or not known.own or choice == "multiple"
        return (
            {*labels} <= {*known.labels}
            and not {*without} & {*known.labels}
            and known.choice == choice
            and asks
        )

    def change_labels(
        self,
        project: int,
        labels: Sequence[str],
        choice: str,
        without: Sequence[str] = (),
        page: LabelPage = PLAIN,
    ) -> None:
        counts, labelling = self.of.known[project]
        kept = [label for label in labelling.labels if label not in without]
        more = [label for label in labels if label not in kept]
        required = labelling.required or labelling.own
        changed = replace(labelling, labels=(*kept, *more), choice=choice, required=required)
        self.of.known[project] = (counts, changed)

    def rename(self, project: int, title: str) -> None:
        counts, labelling = self.of.known[project]
        self.of.known[project] = (replace(counts, title=title), labelling)

    def stream_url(self, project: int) -> str:
        return f"stream of {project}"

    def serve_in_order(self, project: int) -> None:
        self.of.wrote.append(("serve in order", project))


class _Tasks(_Resource):
    def newest(self, project: int) -> tuple[int, int]:
        ids = [*(task.id for task in self.of.listed), *(task for task, _ in self.of.uploads)]
        return len(ids), max(ids, default=0)

    def without_key(self, project: int) -> list[tuple[int, str]]:
        return list(self.of.uploads)

    def list(self, project: int, vanished: bool = False) -> Iterator[Task]:
        self.of.wrote.append(("list",))
        return iter([task for task in self.of.listed if task.vanished or not vanished])

    def update_data(self, task: int, **values: str) -> None:
        self.of.wrote.append(("data", task, values))

    def set_value(self, project: int, name: str, values: Mapping[int, str]) -> None:
        self.of.wrote.append(("mark", dict(values)))

    def set_overlap(self, task: int, people: int) -> None:
        self.of.wrote.append(("overlap", task, people))

    def count(self, project: int, conditions: Sequence[object]) -> int:
        return self.of.counts.pop(0)


class _Predictions(_Resource):
    def count_by_version(self, project: int) -> dict[str, int]:
        return {version: len(tasks) for version, tasks in self.of.predicted.items()}

    def tasks(self, project: int, versions: Sequence[str]) -> Iterator[int]:
        self.of.wrote.append(("list predictions", *versions))
        return iter([task for version in versions for task in self.of.predicted[version]])


class _Views(_Resource):
    def find(self, project: int, title: str) -> View | None:
        return self.of.view

    def put(
        self,
        project: int,
        title: str,
        conditions: Sequence[Any],
        ordering: Any,
        first: bool = False,
    ) -> int:
        self.of.view = View(7, tuple(conditions))
        return 7

    def labelling_url(self, project: int, view: int) -> str:
        return f"view {view} of {project}"


class _Connected:
    """A storage of Label Studio that is there, and that remembers being connected."""

    def __init__(self) -> None:
        self.connections: Counter[int] = Counter()

    def connected(self, studio: object, project: int) -> bool:
        return bool(self.connections[project])

    def connect(self, studio: object, project: int) -> None:
        self.connections[project] += 1

    def url(self, key: str) -> str:
        return f"address of {key}"


def fake_stack(folder: Path, studio: FakeStudio, **sections: object) -> Stack:
    """A stack with a store of its own, whose Label Studio is in memory."""
    values = {"dataset": {"name": "cats", "labels": LABELS}, "cache_dir": str(folder / "cache")}
    stack = Project(folder, {**values, **sections}).stack()
    images = _Connected()
    stack.__dict__.update(studio=studio, image_source=images, annotation_export=images)
    return stack
