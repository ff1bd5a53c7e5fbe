"""Tasks of a Label Studio project and the predictions that they have: found, made, changed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from annolooop.domain.tasks import Prediction, Task
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.connection import NotFound
from annolooop.labelstudio.api.projects import PAGE, Projects
from annolooop.labelstudio.label_config import Labelling, build_result

VANISHED = "vanished"  # in a task's data: since when its image is gone
SELECTED = 50  # task ids in one URL, quoted


def condition(column: str, operator: str, kind: str, value: object) -> dict[str, object]:
    """One line of a filter, as the tab of a project has it."""
    return {
        "filter": f"filter:tasks:{column}",
        "operator": operator,
        "type": kind,
        "value": value,
    }


MARKED = condition(f"data.{VANISHED}", "empty", "String", False)


class Tasks(Projects):
    """The tasks of a server's projects."""

    def tasks(self, project: int, vanished: bool = False) -> Iterator[Task]:
        """All tasks, by id; or only those that are marked as vanished."""
        return map(_task, self._task_pages(project, "id,data", [MARKED] if vanished else ()))

    def newest_task(self, project: int) -> tuple[int, int]:
        """How many tasks there are, and the id of the newest one, 0 for none; one request."""
        page = self._task_page(project, "id", (), 1, newest=True)
        return int(page["total"]), max((int(raw["id"]) for raw in page["tasks"]), default=0)

    def tasks_without_key(self, project: int) -> list[tuple[int, str]]:
        """Tasks that were not made by annoloop: id, and the address of the image."""
        keyless = condition("data.key", "empty", "String", True)
        name = self.labelling(project).data
        pages = self._task_pages(project, "id,data", [keyless])
        return [(int(raw["id"]), str(raw["data"].get(name, ""))) for raw in pages]

    def update_data(self, task: int, **values: str) -> None:
        """Add to a task's data, or change what is there."""
        self._put_data(task, {**self._task(task)["data"], **values})

    def note_replaced(self, task: int, sha256: str, moment: str) -> None:
        """Note in a task's data that it shows another picture from a moment on.

        Earlier notes stay: what was said meanwhile is about the pictures that they name.
        """
        data = self._task(task)["data"]
        by, at = (str(data.get(name, "")) for name in ("replaced_by", "replaced_at"))
        notes = {
            "replaced_by": f"{by} {sha256}".strip(),
            "replaced_at": f"{at} {moment}".strip(),
        }
        self._put_data(task, {**data, **notes})

    def count_vanished(self, project: int) -> int:
        """How many tasks are marked as vanished."""
        return int(self._task_page(project, "id", [MARKED], 1)["total"])

    def data_of(self, project: int, tasks: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Id -> data of those of some tasks that are there: at most ``SELECTED``, one request."""
        if not tasks:
            return {}
        page = self._task_page(project, "id,data", (), len(tasks), only=tasks)
        found = {int(raw["id"]): dict(raw["data"]) for raw in page["tasks"]}
        for task in set(tasks) - found.keys():
            with suppress(NotFound):
                found[task] = dict(self._task(task)["data"])
        return found

    def mark_vanished(self, task: int, data: Mapping[str, Any], moment: str) -> None:
        """Note in a task's data since when its image is gone; with no moment, that it is back.

        A mark that is there stays as it is, and a task that was deleted just now is left alone.

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

    def is_touched(self, task: int) -> bool:
        """Whether someone has begun to annotate a task."""
        return _is_touched(self._task(task))

    def forget_predictions(self, task: int) -> bool:
        """Delete a task's predictions, unless someone has begun to annotate it.

        Returns:
            Whether nobody has.
        """
        raw = self._task(task)
        if _is_touched(raw):
            return False
        for prediction in raw["predictions"]:
            self._server.call("DELETE", f"/api/predictions/{prediction['id']}")
        return True

    def tasks_predicted(self, project: int, versions: Sequence[str]) -> set[int]:
        """Ids of the tasks that have a prediction of any of these versions.

        The server compares by "contains", so no version's name may be part of another's.
        """
        return set(self.list_predicted(project, versions)) if versions else set()

    def list_predicted(self, project: int, versions: Sequence[str]) -> Iterator[int]:
        """The same, page by page, by id."""
        having = condition("predictions_model_versions", "contains", "List", list(versions))
        return (int(raw["id"]) for raw in self._task_pages(project, "id", [having]))

    def create_tasks(
        self,
        project: int,
        tasks: Sequence[tuple[Mapping[str, str], Prediction | None]],
        version: str,
    ) -> tuple[list[int], bool]:
        """Create tasks, each with its data and the prediction of ``version``, if any; one request.

        A server on SQLite begins an import again when its database was locked for long, and has
        lost the predictions by then.

        Returns:
            Their ids, in the same order, empty from a server that does not tell them; and whether
            they have the predictions.

        Raises:
            UnreachableError: also when the server created fewer than were sent.
        """
        labelling = self.labelling(project)
        payload = [
            {
                "data": dict(data),
                "predictions": [_prediction(labelling, said, version)] if said else [],
            }
            for data, said in tasks
        ]
        predicted = sum(said is not None for _, said in tasks)
        path = f"/api/projects/{project}/import"
        made = self._server.post(path, payload, {"return_task_ids": "true"})
        _check_created("tasks", len(payload), int(made["task_count"]))
        ids = [int(task) for task in made.get("task_ids") or ()]
        kept = int(made["prediction_count"])
        if kept or len(ids) != len(payload):
            _check_created("predictions", predicted, kept)
        return ids, bool(kept) or not predicted

    def create_predictions(
        self, project: int, predictions: Sequence[tuple[int, Prediction]], version: str
    ) -> None:
        """Add predictions of ``version`` to existing tasks, given by id, in one request.

        Raises:
            UnreachableError: also when the server kept fewer than were sent.
        """
        labelling = self.labelling(project)
        payload = [
            {"task": task, **_prediction(labelling, prediction, version)}
            for task, prediction in predictions
        ]
        made = self._server.post(f"/api/projects/{project}/import/predictions", payload)
        _check_created("predictions", len(payload), int(made["created"]))

    def _task(self, task: int) -> dict[str, Any]:
        found: dict[str, Any] = self._server.get(f"/api/tasks/{task}", {"resolve_uri": "false"})
        return found

    def _put_data(self, task: int, data: Mapping[str, Any]) -> None:
        self._server.call("PATCH", f"/api/tasks/{task}", body={"data": dict(data)})

    def _task_pages(
        self, project: int, include: str, conditions: Sequence[Mapping[str, Any]] = ()
    ) -> Iterator[dict[str, Any]]:
        """Tasks by id. Pages begin after a task: none moves when people delete others meanwhile."""
        after: list[Mapping[str, Any]] = []
        while True:
            found = self._task_page(project, include, [*conditions, *after], PAGE)
            tasks = found["tasks"]
            yield from tasks
            if not tasks or len(tasks) >= found["total"]:
                return
            after = [condition("id", "greater", "Number", int(tasks[-1]["id"]))]

    def _task_page(
        self,
        project: int,
        include: str,
        conditions: Sequence[Mapping[str, Any]],
        size: int,
        newest: bool = False,
        only: Sequence[int] | None = None,
        whole: bool = False,
    ) -> dict[str, Any]:
        """The first tasks by id, or the newest ones; of these ids only, if given.

        What belongs to tasks without being a column of theirs is only told of whole ones.
        """
        query: dict[str, Any] = {
            "filters": {"conjunction": "and", "items": list(conditions)},
            "ordering": ["-tasks:id" if newest else "tasks:id"],
        }
        if only is not None:
            query["selectedItems"] = {"all": False, "included": list(only)}
        found: dict[str, Any] = self._server.get(
            "/api/tasks",
            {
                "project": project,
                "fields": "all" if whole else "task_only",
                "include": include,
                "page": 1,
                "page_size": size,
                "resolve_uri": "false",
                "query": json.dumps(query),
            },
        )
        return found


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


def _prediction(labelling: Labelling, prediction: Prediction, version: str) -> dict[str, Any]:
    return {
        "model_version": version,
        "score": prediction.score,
        "result": build_result(labelling, prediction.labels, prediction.score),
    }


def _check_created(what: str, sent: int, created: int) -> None:
    if created != sent:
        raise UnreachableError(
            f"Label Studio kept {created} of the {sent} {what} that it was sent",
            "Type the same command again: what is missing is sent anew.",
        )
