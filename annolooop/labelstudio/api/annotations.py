"""Annotations that Label Studio makes of predictions, many in one request.

Its action `predictions_to_annotations` makes none of a prediction that has one, and looks at the
filter and writes in one request: a task that someone has touched meanwhile is passed over. What it
makes names its prediction, has no time of work, and nobody has changed it; the browser fills in
both. So it can be told from what people submit, whoever started it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from annolooop.labelstudio.api.connection import NotFound
from annolooop.labelstudio.api.tasks import SELECTED, condition
from annolooop.labelstudio.api.views import Views

UNKNOWN = "unknown"  # the model version of an annotation whose prediction is gone

UNTOUCHED = (
    condition("total_annotations", "equal", "Number", 0),
    condition("cancelled_annotations", "equal", "Number", 0),
    condition("draft_exists", "equal", "Boolean", False),
)
ALONE = (
    condition("total_annotations", "equal", "Number", 1),
    condition("cancelled_annotations", "equal", "Number", 0),
    condition("draft_exists", "equal", "Boolean", False),
)


class Accepted(Views):
    """Predictions that count as annotations."""

    def accept_predictions(self, project: int, tasks: Sequence[int], version: str) -> int:
        """Make annotations of a version's predictions, of the tasks among these nobody touched.

        Returns:
            How many were made.
        """
        action = "predictions_to_annotations"
        made = self._do(project, action, tasks, UNTOUCHED, model_version=version)
        # "Created 5 annotations"
        return int(next(word for word in str(made["detail"]).split() if word.isdigit()))

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
        who = {} if annotator is None else {"annotator": annotator}
        action = "delete_tasks_annotations"
        return int(self._do(project, action, tasks, (*ALONE, since), **who)["processed_items"])

    def withdraw_one(self, annotation: int) -> bool:
        """Delete an accepted annotation beside which there are others, unless it was changed.

        Returns:
            Whether it is gone by this.
        """
        path = f"/api/annotations/{annotation}"
        try:
            if not is_accepted(self._server.get(path)):
                return False
            self._server.call("DELETE", path)
        except NotFound:
            return False
        return True

    def _do(
        self,
        project: int,
        action: str,
        tasks: Sequence[int],
        conditions: Sequence[Mapping[str, object]],
        **more: object,
    ) -> Any:
        body = {
            "selectedItems": {"all": False, "included": list(tasks)},
            "filters": {"conjunction": "and", "items": list(conditions)},
            **more,
        }
        return self._server.post("/api/dm/actions", body, {"id": action, "project": project})

    def _versions_behind(
        self, project: int, said: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]
    ) -> dict[int, str]:
        """Id of a prediction -> its model version, of those behind accepted annotations.

        An annotation names its prediction by id alone, and the predictions of a task take the
        server some 7 ms; they are not asked for where all are of one version.

        Args:
            said: tasks, each with an annotation of it, as exported.
        """
        made = [(task, raw) for task, raw in said if is_accepted(raw)]
        if not made:
            return {}
        present = [version for version, count in self.model_versions(project).items() if count]
        if len(present) == 1:
            named = (raw.get("parent_prediction") for _, raw in made)
            return {int(number): present[0] for number in named if number}
        found: dict[int, str] = {}
        ids = sorted({int(task["id"]) for task, _ in made})
        for start in range(0, len(ids), SELECTED):
            part = ids[start : start + SELECTED]
            page = self._task_page(project, "id,predictions", (), SELECTED, only=part, whole=True)
            for task in page["tasks"]:
                found |= {int(p["id"]): str(p["model_version"]) for p in task["predictions"]}
        return found


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
    scored = any("score" in item for item in raw.get("result") or ())
    return bool(raw.get("parent_prediction") or (scored and not raw.get("ground_truth")))
