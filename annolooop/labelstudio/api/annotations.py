"""Annotations of a Label Studio project, also those that it made of predictions.

Its action `predictions_to_annotations` makes an annotation that names its prediction and has no
time of work, and that nobody has changed; the browser fills in both. So it differs from what people
submit, whoever started the action.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from annolooop.domain.annotations import UNSENT, Annotation
from annolooop.errors import DataError
from annolooop.labelstudio.api.connection import TRIES_PER_READ, Connection, Failed, NotFound
from annolooop.labelstudio.api.data_manager import IDS_PER_URL, DataManager, condition
from annolooop.labelstudio.api.predictions import Predictions
from annolooop.labelstudio.api.projects import Projects
from annolooop.labelstudio.api.tasks import picture_at
from annolooop.labelstudio.label_config import Labelling
from annolooop.labelstudio.results import (
    BLIND_SHEET,
    Answer,
    build_result,
    other_items,
    read_result,
    read_way,
)

TASKS_PER_EXPORT = 300  # task ids in one URL
TRIES_PER_PART = 2  # of an export that failed as a whole, for each smaller part of it
UNSENT_PER_EXPORT = 20  # tasks: with more, the server fails as such
HASH = re.compile(r"[0-9a-f]{64}")
Ids = list[int]
UNKNOWN = "unknown"  # the model version of an annotation whose prediction is gone

ONE_ANNOTATION = (
    condition("total_annotations", "equal", "Number", 1),
    condition("cancelled_annotations", "equal", "Number", 0),
    condition("draft_exists", "equal", "Boolean", False),
)


class Annotations:
    """The annotations of a server's projects.

    Args:
        connection: to the server.
        data_manager: of the server.
        projects: of the server.
        predictions: of the server.
    """

    def __init__(
        self,
        connection: Connection,
        data_manager: DataManager,
        projects: Projects,
        predictions: Predictions,
    ) -> None:
        self._connection = connection
        self._data_manager = data_manager
        self._projects = projects
        self._predictions = predictions

    def changed_tasks(self, project: int, since: str = "") -> dict[int, str]:
        """Tasks with an annotation or a skip, changed after ``since``.

        Args:
            project: its id.
            since: ISO 8601 with microseconds, empty for all.

        Returns:
            Task id -> when it was last changed.
        """
        conditions = [condition("annotations_ids", "empty", "Boolean", False)]
        if since:
            conditions.append(condition("updated_at", "greater", "Datetime", since))
        tasks = self._data_manager.tasks(project, "id,updated_at", conditions)
        return {int(raw["id"]): str(raw["updated_at"]) for raw in tasks}

    def export(
        self, project: int, annotated: bool, unsent: Ids | None = None
    ) -> Iterator[dict[str, Any]]:
        """Tasks with their annotations and drafts, as Label Studio's own JSON export has them.

        Args:
            project: its id.
            annotated: only those that someone annotated or skipped.
            unsent: gets the ids of tasks that Label Studio fails to export; without, such a task
                is an error.

        Raises:
            DataError: Label Studio fails to export a task.
        """
        if annotated:
            ids = list(self.changed_tasks(project))
        else:
            ids = [int(raw["id"]) for raw in self._data_manager.tasks(project, "id")]
        failed = [] if unsent is None else unsent
        for part in self._export_parts(project, ids, failed):
            if failed and unsent is None:
                raise DataError(
                    f"Label Studio fails to export its task {failed[0]}",
                    "Open it there: give its answer again, or delete the annotation.",
                )
            yield from part

    def create(self, project: int, task: int, labels: Sequence[str], lead_time: float) -> None:
        """Submit an annotation as the token's owner, as the browser does.

        Args:
            project: its id.
            task: its id.
            labels: the answer.
            lead_time: seconds of work.
        """
        result = build_result(self._projects.labelling(project), labels)
        body = {"result": result, "lead_time": lead_time}
        self._connection.post(f"/api/tasks/{task}/annotations", body)

    def add(self, task: int, body: Mapping[str, Any]) -> None:
        """Add an annotation to a task, as somebody's whom ``completed_by`` names."""
        self._connection.post(f"/api/tasks/{task}/annotations", dict(body))

    def change(self, annotation: int, body: Mapping[str, Any]) -> None:
        """Change an annotation."""
        self._connection.call("PATCH", f"/api/annotations/{annotation}", body=dict(body))

    def withdraw_accepted(
        self, project: int, tasks: Sequence[int], annotator: int | None, moment: str
    ) -> int:
        """Delete the only annotation of each of these tasks, unless it changed since.

        Args:
            project: its id.
            tasks: whose only annotation was accepted.
            annotator: user id of whoever accepted them.
            moment: ISO 8601 with microseconds; tasks that changed later are left alone.

        Returns:
            How many were deleted.
        """
        since = condition("updated_at", "less_or_equal", "Datetime", moment)
        arguments = {} if annotator is None else {"annotator": annotator}
        action = "delete_tasks_annotations"
        conditions = (*ONE_ANNOTATION, since)
        done = self._data_manager.act(project, action, tasks, conditions, **arguments)
        return int(done["processed_items"])

    def withdraw_one(self, annotation: int) -> bool:
        """Delete an accepted annotation beside which there are others, unless it was changed.

        Returns:
            Whether it is gone by this.
        """
        path = f"/api/annotations/{annotation}"
        try:
            if not is_accepted(self._connection.get(path)):
                return False
            self._connection.call("DELETE", path)
        except NotFound:
            return False
        return True

    def list(self, project: int, tasks: Iterable[int]) -> Iterator[Annotation]:
        """All annotations of these tasks, skips too, by task id and number.

        Those that Label Studio fails to send come last, as annotations that are ``UNSENT``.
        """
        labelling = self._projects.labelling(project)
        unsent: Ids = []
        for exported in self._export_parts(project, tasks, unsent):
            pairs = [(task, raw) for task in exported for raw in task["annotations"]]
            versions = self._versions_of_accepted(project, pairs)
            for task, raw in sorted(pairs, key=lambda pair: (pair[0]["id"], pair[1]["id"])):
                yield _annotation(labelling, task, raw, versions)

        if unsent:
            yield from self._unsent(project, unsent)

    def _export_parts(
        self, project: int, tasks: Iterable[int], unsent: Ids
    ) -> Iterator[Sequence[dict[str, Any]]]:
        """Args: ``unsent`` gets the ids of tasks that Label Studio fails to export."""
        ids = sorted(tasks)
        for start in range(0, len(ids), TASKS_PER_EXPORT):
            part = ids[start : start + TASKS_PER_EXPORT]
            yield sorted(self._export_part(project, part, unsent), key=lambda t: int(t["id"]))

    def _export_part(
        self, project: int, ids: Sequence[int], unsent: Ids, tries: int = TRIES_PER_READ
    ) -> Sequence[dict[str, Any]]:
        """One task that the server cannot write down makes it fail for all: so it is looked for."""
        query = {"exportType": "JSON", "download_all_tasks": "true", "ids[]": ids}
        try:
            path = f"/api/projects/{project}/export"
            tasks: Sequence[dict[str, Any]] = self._connection.get(path, query, tries)
            return tasks
        except Failed:
            if len(unsent) >= UNSENT_PER_EXPORT:
                raise
        if len(ids) == 1:
            unsent += ids
            return []
        middle = len(ids) // 2
        return [
            task
            for half in (ids[:middle], ids[middle:])
            for task in self._export_part(project, half, unsent, TRIES_PER_PART)
        ]

    def _unsent(self, project: int, tasks: Sequence[int]) -> Iterator[Annotation]:
        """What is known of annotations that the server fails to export."""
        columns = "id,data,updated_at,annotations_ids"
        some = [condition("annotations_ids", "empty", "Boolean", False)]
        page = self._data_manager.page(project, columns, some, size=len(tasks), only=tasks)
        for task in page["tasks"]:
            data, changed_at = task["data"], str(task["updated_at"])
            for number in str(task["annotations_ids"]).split(","):
                yield Annotation(
                    id=int(number),
                    task=int(task["id"]),
                    key=str(data.get("key", "")),
                    sha256=_picture(data, changed_at),
                    labels=(),
                    skipped=False,
                    ground_truth=False,
                    annotator=None,
                    updated_at=changed_at,
                    unreadable=UNSENT,
                )

    def _versions_of_accepted(
        self, project: int, pairs: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]
    ) -> dict[int, str]:
        """Id of a prediction -> its model version, of those that were accepted.

        An annotation names its prediction by id alone, and the predictions of a task take the
        server some 7 ms; they are not asked for where all are of one version.

        Args:
            project: its id.
            pairs: tasks, each with an annotation of it, as exported.
        """
        accepted = [(task, raw) for task, raw in pairs if is_accepted(raw)]
        if not accepted:
            return {}
        counts = self._predictions.count_by_version(project)
        present = [version for version, count in counts.items() if count]
        if len(present) == 1:
            named = (raw.get("parent_prediction") for _, raw in accepted)
            return {int(number): present[0] for number in named if number}
        versions: dict[int, str] = {}
        ids = sorted({int(task["id"]) for task, _ in accepted})
        for start in range(0, len(ids), IDS_PER_URL):
            part = ids[start : start + IDS_PER_URL]
            page = self._data_manager.page(
                project, "id,predictions", size=IDS_PER_URL, only=part, whole=True
            )
            for task in page["tasks"]:
                versions |= {int(p["id"]): str(p["model_version"]) for p in task["predictions"]}
        return versions


def is_accepted(raw: Mapping[str, Any]) -> bool:
    """Whether an annotation was made of a prediction by the action, and nobody changed it.

    A prediction that is deleted later is no longer named; its score is still in the result. What
    people import may have scores as well: Label Studio marks that as ground truth by itself. So may
    copies that they make of an annotation for other tasks, which name that annotation.
    """
    if raw.get("updated_by") is not None or raw.get("lead_time") is not None:
        return False
    if raw.get("parent_annotation"):
        return False
    scored = any("score" in item for item in _items(raw))
    return bool(raw.get("parent_prediction") or (scored and not raw.get("ground_truth")))


def _annotation(
    labelling: Labelling,
    task: Mapping[str, Any],
    raw: Mapping[str, Any],
    versions: Mapping[int, str],
) -> Annotation:
    """Args: ``versions``: id of a prediction -> its model version, of what was accepted.

    Where the prediction is gone, `restore` has written the version into the answer.
    """
    data = task["data"]
    skipped, changed_at = bool(raw["was_cancelled"]), str(raw["updated_at"])
    way = read_way(raw.get("result"))
    # Label Studio notes the task's prediction, also where a blind sheet did not show it.
    shown = raw.get("prediction") or {} if way != BLIND_SHEET else {}
    answer = Answer() if skipped else read_result(labelling, raw.get("result"))
    who = raw.get("completed_by")
    accepted = is_accepted(raw)
    extra = other_items(labelling, raw.get("result"))
    if not accepted and raw.get("parent_prediction") and raw.get("updated_by"):
        who = raw["updated_by"]  # they changed what was accepted, so it is theirs now
    return Annotation(
        id=int(raw["id"]),
        task=int(task["id"]),
        key=str(data.get("key", "")),
        sha256=_picture(data, changed_at),
        labels=answer.labels,
        skipped=skipped,
        outdated=picture_at(data, changed_at) != picture_at(data),
        ground_truth=bool(raw.get("ground_truth")),
        annotator=who.get("id") if isinstance(who, dict) else who,
        updated_at=changed_at,
        shown_version=shown.get("model_version"),
        shown=read_result(labelling, shown.get("result") or []).labels,
        accepted=_accepted_version(raw, versions) if accepted else "",
        unreadable=answer.unreadable,
        created_at=str(raw.get("created_at") or ""),
        lead_time=raw.get("lead_time"),
        extra=json.dumps(extra) if extra else "",
        way=way,
        address="" if data.get("key") else str(data.get(labelling.data, "")),
    )


def _accepted_version(raw: Mapping[str, Any], versions: Mapping[int, str]) -> str:
    """The model version of an accepted prediction; of one that is gone, as `restore` wrote it."""
    written = (str(item["model_version"]) for item in _items(raw) if "model_version" in item)
    return versions.get(raw.get("parent_prediction") or 0) or next(written, UNKNOWN)


def _items(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    result = raw.get("result")
    return [item for item in result if isinstance(item, dict)] if isinstance(result, list) else []


def _picture(data: Mapping[str, Any], moment: str) -> str:
    """Content hash of what a task showed; empty too where people have such a key of their own."""
    sha256 = picture_at(data, moment)
    return sha256 if HASH.fullmatch(sha256) else ""
