"""Predictions of a Label Studio project's tasks."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from annolooop.domain.tasks import Prediction
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.connection import Connection, NotFound
from annolooop.labelstudio.api.data_manager import (
    IDS_PER_URL,
    TASKS_PER_PAGE,
    DataManager,
    condition,
)
from annolooop.labelstudio.api.projects import Projects
from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.results import build_result

NOT_ANNOTATED = (
    condition("total_annotations", "equal", "Number", 0),
    condition("cancelled_annotations", "equal", "Number", 0),
    condition("draft_exists", "equal", "Boolean", False),
)


class Predictions:
    """The predictions of a server's projects.

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

    def create(
        self, project: int, predictions: Sequence[tuple[int, Prediction]], version: str
    ) -> None:
        """Add predictions of ``version`` to existing tasks, given by id, in one request.

        Raises:
            UnreachableError: also when the server kept fewer than were sent.
        """
        labelling = self._projects.labelling(project)
        body = [
            {"task": task, **prediction_body(labelling, prediction, version)}
            for task, prediction in predictions
        ]
        created = self._connection.post(f"/api/projects/{project}/import/predictions", body)
        check_created("predictions", len(body), int(created["created"]))

    def count_by_version(self, project: int) -> dict[str, int]:
        """Model version -> number of its predictions."""
        path = f"/api/projects/{project}/model-versions/"
        counts = self._connection.get(path, {"extended": "true"})["static"]
        return {str(row["model_version"]): int(row["count"]) for row in counts}

    def tasks(self, project: int, versions: Sequence[str]) -> Iterator[int]:
        """Ids of the tasks that have a prediction of any of these versions, page by page, by id.

        The server compares by "contains", so no version's name may be part of another's.
        """
        having = condition("predictions_model_versions", "contains", "List", list(versions))
        return (int(raw["id"]) for raw in self._data_manager.tasks(project, "id", [having]))

    def delete(self, project: int, tasks: Sequence[int]) -> None:
        """Delete all predictions of these tasks."""
        for start in range(0, len(tasks), TASKS_PER_PAGE):
            part = tasks[start : start + TASKS_PER_PAGE]
            self._data_manager.act(project, "delete_tasks_predictions", part)

    def doubled(self, project: int, version: str) -> Iterator[int]:
        """Ids of predictions of a version beside which an untouched task has an earlier one."""
        having = condition("predictions_model_versions", "contains", "List", [version])
        tasks = [
            int(raw["id"])
            for raw in self._data_manager.tasks(project, "id", [having, *NOT_ANNOTATED])
        ]
        for start in range(0, len(tasks), IDS_PER_URL):
            part = tasks[start : start + IDS_PER_URL]
            page = self._data_manager.page(
                project, "id,predictions", size=IDS_PER_URL, only=part, whole=True
            )
            for task in page["tasks"]:
                own = [int(p["id"]) for p in task["predictions"] if p["model_version"] == version]
                yield from sorted(own)[1:]

    def delete_one(self, prediction: int) -> None:
        """Delete a prediction, if it is there."""
        with suppress(NotFound):
            self._connection.call("DELETE", f"/api/predictions/{prediction}")

    def accept(self, project: int, tasks: Sequence[int], version: str) -> int:
        """Make annotations of a version's predictions, of the tasks among these nobody touched.

        The server makes none of a prediction that has one, and looks at the conditions and writes
        in one request: a task that someone has touched meanwhile is passed over.

        Returns:
            How many were made.
        """
        action = "predictions_to_annotations"
        made = self._data_manager.act(project, action, tasks, NOT_ANNOTATED, model_version=version)
        # "Created 5 annotations"
        return int(next(word for word in str(made["detail"]).split() if word.isdigit()))


def prediction_body(labelling: Labelling, prediction: Prediction, version: str) -> dict[str, Any]:
    """A prediction as the API takes it."""
    return {
        "model_version": version,
        "score": prediction.score,
        "result": build_result(labelling, prediction.labels, prediction.score),
    }


def check_created(what: str, sent: int, created: int) -> None:
    """Make sure that the server kept as many as it was sent.

    Raises:
        UnreachableError: it did not.
    """
    if created != sent:
        raise UnreachableError(
            f"Label Studio kept {created} of the {sent} {what} that it was sent",
            "Type the same command again: what is missing is sent again.",
        )
