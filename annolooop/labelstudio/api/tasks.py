"""Tasks of a Label Studio project."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from annolooop.domain.tasks import Prediction, Task
from annolooop.labelstudio.api.bulk import set_value_in_bulk
from annolooop.labelstudio.api.connection import Connection, NotFound
from annolooop.labelstudio.api.data_manager import IDS_PER_URL, Condition, DataManager, condition
from annolooop.labelstudio.api.predictions import NOT_ANNOTATED, check_created, prediction_body
from annolooop.labelstudio.api.projects import Projects
from annolooop.labelstudio.results import read_result

VANISHED = "vanished"  # in a task's data: since when its image is gone
IS_VANISHED = condition(f"data.{VANISHED}", "empty", "String", False)


class Tasks:
    """The tasks of a server's projects.

    Args:
        connection: to the server.
        data_manager: of the server.
        projects: of the server.
    """

    def __init__(
        self, connection: Connection, data_manager: DataManager, projects: Projects
    ) -> None:
        self._connection = connection
        self._data_manager = data_manager
        self._projects = projects

    def newest(self, project: int) -> tuple[int, int]:
        """How many tasks there are, and the id of the newest one, 0 for none; one request."""
        page = self._data_manager.page(project, "id", size=1, newest=True)
        return int(page["total"]), max((int(raw["id"]) for raw in page["tasks"]), default=0)

    def without_key(self, project: int) -> Sequence[tuple[int, str]]:
        """Tasks that were not made by annoloop: id, and the address of the image."""
        keyless = condition("data.key", "empty", "String", True)
        name = self._projects.labelling(project).data
        tasks = self._data_manager.tasks(project, "id,data", [keyless])
        return [(int(raw["id"]), str(raw["data"].get(name, ""))) for raw in tasks]

    def count(self, project: int, conditions: Sequence[Condition]) -> int:
        """How many tasks fulfil all conditions; one request."""
        return int(self._data_manager.page(project, "id", conditions, 1)["total"])

    def count_vanished(self, project: int) -> int:
        """How many tasks are marked as vanished."""
        return self.count(project, [IS_VANISHED])

    def next(self, project: int) -> int | None:
        """The task that the labelling stream serves next, or ``None`` when all are done."""
        try:
            return int(self._connection.get(f"/api/projects/{project}/next")["id"])
        except NotFound:
            return None

    def look(self, project: int, task: int) -> tuple[str, dict[str, tuple[str, ...]]]:
        """What a person sees of a task: the image's key, and the predicted labels by version."""
        labelling = self._projects.labelling(project)
        raw = self._get(task)
        predicted = {
            p["model_version"]: read_result(labelling, p["result"]).labels
            for p in raw["predictions"]
        }
        return str(raw["data"].get("key", "")), predicted

    def answered_by(self, project: int, tasks: Sequence[int]) -> dict[int, set[int]]:
        """Task -> the user ids of those who annotated or skipped it, of those that somebody did."""
        columns = "id,annotators"
        found: dict[int, set[int]] = {}
        for start in range(0, len(tasks), IDS_PER_URL):
            some = tasks[start : start + IDS_PER_URL]
            page = self._data_manager.page(
                project, columns, size=IDS_PER_URL, only=some, whole=True
            )
            found |= {int(raw["id"]): set(raw["annotators"]) for raw in page["tasks"]}
        return {task: people for task, people in found.items() if people}

    def is_touched(self, task: int) -> bool:
        """Whether someone has begun to annotate a task."""
        return _is_touched(self._get(task))

    def url(self, project: int) -> str:
        """Address of a task's page, for people, up to its id, which follows."""
        return f"{self._connection.pages}/projects/{project}/data?task="

    def image_address(self, project: int, task: int) -> str:
        """Where the labelling page asks for a task's image."""
        data = self._connection.get(f"/api/tasks/{task}")["data"]
        return str(data.get(self._projects.labelling(project).data, ""))

    def data(self, project: int, tasks: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Id -> data of those tasks that are there: at most ``IDS_PER_URL``, one request."""
        if not tasks:
            return {}
        page = self._data_manager.page(project, "id,data", size=len(tasks), only=tasks)
        data = {int(raw["id"]): dict(raw["data"]) for raw in page["tasks"]}
        for task in set(tasks) - data.keys():
            with suppress(NotFound):
                data[task] = dict(self._get(task)["data"])
        return data

    def create(
        self,
        project: int,
        tasks: Sequence[tuple[Mapping[str, str], Prediction | None]],
        version: str,
    ) -> tuple[Sequence[int], bool]:
        """Create tasks, each with its data and the prediction of ``version``, if any; one request.

        A server on SQLite begins an import again when its database was locked for long, and has
        lost the predictions by then.

        Returns:
            Their ids, in the same order, empty from a server that does not send them; and whether
            they have the predictions.

        Raises:
            UnreachableError: also when the server created fewer than were sent.
        """
        labelling = self._projects.labelling(project)
        body = [
            {
                "data": dict(data),
                "predictions": [prediction_body(labelling, prediction, version)]
                if prediction
                else [],
            }
            for data, prediction in tasks
        ]
        predicted = sum(prediction is not None for _, prediction in tasks)
        path = f"/api/projects/{project}/import"
        created = self._connection.post(path, body, {"return_task_ids": "true"})
        check_created("tasks", len(body), int(created["task_count"]))
        ids = [int(task) for task in created.get("task_ids") or ()]
        kept = int(created["prediction_count"])
        if kept or len(ids) != len(body):
            check_created("predictions", predicted, kept)
        return ids, bool(kept) or not predicted

    def create_annotated(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Create tasks with their annotations, as Label Studio's own JSON has them; one request.

        Raises:
            UnreachableError: also when the server created fewer than were sent.
        """
        created = self._connection.post(f"/api/projects/{project}/import", list(tasks))
        check_created("tasks", len(tasks), int(created["task_count"]))

    def update_data(self, task: int, **values: str) -> None:
        """Add to a task's data, or change what is there."""
        self._put_data(task, {**self._get(task)["data"], **values})

    def set_value(self, project: int, name: str, values: Mapping[int, str]) -> None:
        """Set one value in the data of each of these tasks; their other data stay.

        Args:
            project: whose tasks they are; those that were deleted meanwhile are left out.
            name: of the value.
            values: task id -> what it is to be.
        """
        if set_value_in_bulk(self._data_manager, project, name, values):
            return
        for task, value in values.items():
            with suppress(NotFound):
                self.update_data(task, **{name: value})

    def note_replaced(self, task: int, sha256: str, moment: str) -> None:
        """Note in a task's data that it shows another picture from a moment on.

        Earlier notes stay: what was answered meanwhile is about the pictures that they name.
        """
        data = self._get(task)["data"]
        by, at = (str(data.get(name, "")) for name in ("replaced_by", "replaced_at"))
        notes = {
            "replaced_by": f"{by} {sha256}".strip(),
            "replaced_at": f"{at} {moment}".strip(),
        }
        self._put_data(task, {**data, **notes})

    def mark_vanished(self, task: int, data: Mapping[str, Any], moment: str) -> None:
        """Note in a task's data since when its image is gone; with no moment, that it is back.

        A note that is there stays as it is, and a task that was deleted just now is left alone.

        Args:
            task: its id.
            data: as it is now.
            moment: in ISO 8601.
        """
        if (VANISHED in data) == bool(moment):
            return
        rest = {name: value for name, value in data.items() if name != VANISHED}
        with suppress(NotFound):
            self._put_data(task, {**rest, **({VANISHED: moment} if moment else {})})

    def set_overlap(self, task: int, people: int) -> None:
        """Ask this many people to annotate a task."""
        with suppress(NotFound):
            self._connection.call("PATCH", f"/api/tasks/{task}", body={"overlap": people})

    def untouched(self, project: int, tasks: Sequence[int]) -> set[int]:
        """Those of these tasks that nobody has begun to annotate."""
        return self._some(project, tasks, NOT_ANNOTATED)

    def delete_untouched(self, project: int, tasks: Sequence[int]) -> list[int]:
        """Delete those of these tasks that nobody has begun to annotate.

        The server looks and deletes in one request. Returns the ids of those that are gone.
        """
        for start in range(0, len(tasks), IDS_PER_URL):
            part = tasks[start : start + IDS_PER_URL]
            self._data_manager.act(project, "delete_tasks", part, NOT_ANNOTATED)
        there = self._some(project, tasks)
        return [task for task in tasks if task not in there]

    def _some(
        self, project: int, tasks: Sequence[int], conditions: Sequence[Condition] = ()
    ) -> set[int]:
        chosen: set[int] = set()
        for start in range(0, len(tasks), IDS_PER_URL):
            part = tasks[start : start + IDS_PER_URL]
            page = self._data_manager.page(project, "id", conditions, IDS_PER_URL, only=part)
            chosen |= {int(raw["id"]) for raw in page["tasks"]}
        return chosen

    def delete_predictions(self, task: int) -> bool:
        """Delete a task's predictions, unless someone has begun to annotate it.

        Returns:
            Whether nobody has.
        """
        raw = self._get(task)
        if _is_touched(raw):
            return False
        for prediction in raw["predictions"]:
            self._connection.call("DELETE", f"/api/predictions/{prediction['id']}")
        return True

    def list(self, project: int, vanished: bool = False) -> Iterator[Task]:
        """All tasks, by id; or only those that are marked as vanished."""
        conditions = [IS_VANISHED] if vanished else []
        return map(_task, self._data_manager.tasks(project, "id,data", conditions))

    def _get(self, task: int) -> dict[str, Any]:
        raw: dict[str, Any] = self._connection.get(f"/api/tasks/{task}", {"resolve_uri": "false"})
        return raw

    def _put_data(self, task: int, data: Mapping[str, Any]) -> None:
        self._connection.call("PATCH", f"/api/tasks/{task}", body={"data": dict(data)})


def _task(raw: Mapping[str, Any]) -> Task:
    data = raw["data"]
    return Task(
        int(raw["id"]),
        str(data.get("key", "")),
        str(data.get("sha256", "")),
        "replaced_by" in data,
        picture_at(data),
        VANISHED in data,
    )


def _is_touched(raw: Mapping[str, Any]) -> bool:
    return bool(raw["annotations"] or raw.get("drafts"))


def picture_at(data: Mapping[str, Any], moment: str = "") -> str:
    """Content hash of the picture that a task showed at a moment; of the last one without.

    Empty for a task whose image is not in the store.
    """
    shown = str(data.get("sha256", ""))
    notes = (str(data.get(name, "")).split() for name in ("replaced_at", "replaced_by"))
    for since, sha256 in zip(*notes, strict=False):
        if not moment or moment > since:
            shown = sha256
    return shown
