"""What annoloop asks of a Label Studio server: tasks, predictions, annotations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from annolooop.domain.annotations import Annotation
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.annotations import UNKNOWN, Accepted, is_accepted
from annolooop.labelstudio.api.connection import NotFound
from annolooop.labelstudio.api.tasks import condition, picture_at
from annolooop.labelstudio.label_config import Labelling, build_result, labels_of

EXPORT_CHUNK = 300  # task ids in one URL


class Studio(Accepted):
    """A Label Studio server, seen with one person's access token.

    Args:
        connection: to the server.

    Every method raises :class:`UnreachableError` when the server does not answer or refuses a
    request, and :class:`ConfigError` when it refuses the token.
    """

    def version(self) -> str:
        """Label Studio's release."""
        return str(self._server.get("/api/version")["release"])

    def whoami(self) -> str:
        """E-mail address of the token's owner. Proves that the token is accepted."""
        return str(self._server.get("/api/current-user/whoami")["email"])

    def now(self) -> datetime:
        """The server's clock, to the second."""
        told = self._server.call("GET", "/api/version").headers.get("date", "")
        try:
            return parsedate_to_datetime(told).astimezone(timezone.utc)
        except ValueError:
            raise UnreachableError(
                f"Label Studio at {self.url} does not tell its time",
                "Let the proxy before it pass on the header Date.",
            ) from None

    def fetch(self, address: str, cookies: Mapping[str, str] | None = None) -> tuple[str, bytes]:
        """Ask for an image as a browser does: with its cookies, or else with the token.

        Args:
            address: a path on the server's host, or an address elsewhere, which gets neither.

        Returns:
            Its content type, and its bytes.
        """
        answer = self._server.download(address, cookies)
        return answer.headers.get("content-type", "nothing"), answer.content

    def image_address(self, project: int, task: int) -> str:
        """Where the labelling page asks for a task's image."""
        data = self._server.get(f"/api/tasks/{task}")["data"]
        return str(data.get(self.labelling(project).data, ""))

    def task_url(self, project: int) -> str:
        """Address of a task's page, for people, up to its id, which follows."""
        return f"{self.url}/projects/{project}/data?task="

    def view_list_url(self, project: int, view: int) -> str:
        """Address of a view's list of tasks, for people."""
        return f"{self.url}/projects/{project}/data?tab={view}"

    # -- annotations --------------------------------------------------------------------------

    def annotated_tasks(self, project: int, since: str = "") -> dict[int, str]:
        """Tasks with an annotation or a skip, changed after ``since``.

        Args:
            since: ISO 8601 with microseconds, empty for all.

        Returns:
            Task id -> when it was last changed.
        """
        conditions = [condition("annotations_ids", "empty", "Boolean", False)]
        if since:
            conditions.append(condition("updated_at", "greater", "Datetime", since))
        pages = self._task_pages(project, "id,updated_at", conditions)
        return {int(raw["id"]): str(raw["updated_at"]) for raw in pages}

    def annotations(self, project: int, tasks: Iterable[int]) -> Iterator[Annotation]:
        """All annotations of these tasks, skips too, by task id and number."""
        labelling = self.labelling(project)
        for exported in self._export_parts(project, tasks):
            said = [(t, raw) for t in exported for raw in t["annotations"]]
            versions = self._versions_behind(project, said)
            for task, raw in sorted(said, key=lambda pair: (pair[0]["id"], pair[1]["id"])):
                yield _annotation(labelling, task, raw, versions)

    def exported_tasks(self, project: int, annotated: bool) -> Iterator[dict[str, Any]]:
        """Tasks with their annotations and drafts, as Label Studio's own JSON export has them.

        Args:
            annotated: only those that someone annotated or skipped.
        """
        if annotated:
            ids = list(self.annotated_tasks(project))
        else:
            ids = [int(raw["id"]) for raw in self._task_pages(project, "id")]
        return self._exported(project, ids)

    def people(self) -> dict[int, str]:
        """User id -> e-mail address."""
        found = self._server.get("/api/users")
        return {int(user["id"]): str(user["email"]) for user in found if user.get("email")}

    def next_task(self, project: int) -> int | None:
        """The task that the labelling stream serves next, or ``None`` when all are done."""
        try:
            return int(self._server.get(f"/api/projects/{project}/next")["id"])
        except NotFound:
            return None

    def look(self, project: int, task: int) -> tuple[str, dict[str, tuple[str, ...]]]:
        """What a person sees of a task: the image's key, and the predicted labels by version."""
        labelling = self.labelling(project)
        raw = self._task(task)
        predicted = {
            p["model_version"]: labels_of(labelling, p["result"]) for p in raw["predictions"]
        }
        return str(raw["data"].get("key", "")), predicted

    def annotate(self, project: int, task: int, labels: Sequence[str], lead_time: float) -> None:
        """Submit an annotation as the token's owner, as the browser does."""
        body = {"result": build_result(self.labelling(project), labels), "lead_time": lead_time}
        self._server.post(f"/api/tasks/{task}/annotations", body)

    def _exported(self, project: int, tasks: Iterable[int]) -> Iterator[dict[str, Any]]:
        for part in self._export_parts(project, tasks):
            yield from part

    def _export_parts(self, project: int, tasks: Iterable[int]) -> Iterator[list[dict[str, Any]]]:
        ids = sorted(tasks)
        for start in range(0, len(ids), EXPORT_CHUNK):
            chunk = ids[start : start + EXPORT_CHUNK]
            asked = {"exportType": "JSON", "download_all_tasks": "true", "ids[]": chunk}
            exported = self._server.get(f"/api/projects/{project}/export", asked)
            yield sorted(exported, key=lambda task: int(task["id"]))


def _annotation(
    labelling: Labelling,
    task: Mapping[str, Any],
    raw: Mapping[str, Any],
    versions: Mapping[int, str],
) -> Annotation:
    """Args: ``versions``: id of a prediction -> its model version, of what was accepted."""
    data = task["data"]
    skipped, changed_at = bool(raw["was_cancelled"]), str(raw["updated_at"])
    about = picture_at(data, changed_at)
    shown = raw.get("prediction") or {}
    who = raw.get("completed_by")
    accepted = is_accepted(raw)
    if not accepted and raw.get("parent_prediction") and raw.get("updated_by"):
        who = raw["updated_by"]  # they changed what was accepted, so it is theirs now
    return Annotation(
        id=int(raw["id"]),
        task=int(task["id"]),
        key=str(data.get("key", "")),
        sha256=about,
        labels=() if skipped else labels_of(labelling, raw["result"]),
        skipped=skipped,
        outdated=about != picture_at(data),
        ground_truth=bool(raw.get("ground_truth")),
        annotator=who.get("id") if isinstance(who, dict) else who,
        updated_at=changed_at,
        shown_version=shown.get("model_version"),
        shown=labels_of(labelling, shown.get("result") or []),
        accepted=versions.get(raw.get("parent_prediction") or 0, UNKNOWN) if accepted else "",
    )
