"""Projects of a Label Studio server: found, made, asked for labels, shown images by storages."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from annolooop.domain.annotations import ProjectCounts
from annolooop.errors import AnnoloopError, ConfigError, DataError, UnreachableError
from annolooop.labelstudio.api.connection import GUARDED, Connection, NotFound, Rejected
from annolooop.labelstudio.label_config import (
    Labelling,
    Unfit,
    build_label_config,
    extend_label_config,
    parse_label_config,
)

PAGE = 1000
# Asked by a browser, the server keeps to a project's sampling, and minds which tasks others have
# open, only with `show_overlap_first` and the flag of it that our own server gets: otherwise it
# gives everybody the first task of the tab.
SHOWS_PREDICTIONS = {
    "show_collab_predictions": True,
    "sampling": "Uncertainty sampling",
    "show_overlap_first": True,
}
IN_ORDER = {"sampling": "Sequential sampling", "show_overlap_first": True}
PROJECT = (
    "id,created_at,title,label_config,model_version,task_number,"
    "num_tasks_with_annotations,total_annotations_number,skipped_annotations_number"
)
# A storage that lets tasks show images. Synced, it would make each task a second time.
ONLY_SHOWS = {
    "title": "annoloop: shows images, is never synced",
    "use_blob_urls": True,
    "synchronizable": False,
}
EXPORTS = {"title": "annoloop: a copy of the annotations", "can_delete_objects": False}


class Projects:
    """The projects of a server.

    Args:
        connection: to the server.
    """

    def __init__(self, connection: Connection) -> None:
        self._server = connection
        self._configs: dict[int, str] = {}  # project id -> label config, as last read

    @property
    def url(self) -> str:
        """The server's address."""
        return self._server.url

    def projects(self) -> list[ProjectCounts]:
        """All projects, with their counters."""
        return [self._read(raw) for raw in self._projects()]

    def find_project(self, title: str) -> ProjectCounts | None:
        """The project with exactly this title, with its counters; one request.

        Raises:
            DataError: there are several.
        """
        found = [raw for raw in self._projects(title) if raw["title"] == title]
        if len(found) > 1:
            numbers = " and ".join(str(raw["id"]) for raw in found)
            raise DataError(
                f"Label Studio has several projects called {title}: {numbers}",
                "Rename those that do not belong to the dataset, in their settings.",
            )
        return self._read(found[0]) if found else None

    def read_project(self, project: int) -> ProjectCounts | None:
        """The project of this id, with its counters, or ``None``; one request."""
        try:
            return self._read(self._server.get(f"/api/projects/{project}", {"include": PROJECT}))
        except NotFound:
            return None

    def create_project(self, title: str, labels: Sequence[str], choice: str) -> ProjectCounts:
        """Make a project that asks for these labels."""
        config = build_label_config(labels, choice)
        body = {"title": title, "label_config": config, **SHOWS_PREDICTIONS}
        return self._read(self._server.post("/api/projects", body))

    def show_predictions(self, project: int) -> None:
        """Make a project show predictions, and serve those first that are least sure."""
        self._server.call("PATCH", f"/api/projects/{project}", body=SHOWS_PREDICTIONS)

    def serve_in_order(self, project: int) -> None:
        """Serve the tasks of a view in its order, to each person the first that is free."""
        self._server.call("PATCH", f"/api/projects/{project}", body=IN_ORDER)

    def label_config(self, project: int) -> str:
        """A project's label config, as people wrote it."""
        if project not in self._configs:
            self._read(self._server.get(f"/api/projects/{project}", {"include": PROJECT}))
        return self._configs[project]

    def labelling(self, project: int) -> Labelling:
        """What a project asks people for.

        Raises:
            DataError: something else than labels of an image.
        """
        try:
            return parse_label_config(self.label_config(project))
        except Unfit as error:
            raise DataError(
                f"the label config of the Label Studio project {project} does not fit: {error}",
                "Change it in the settings of the project to one set of choices about one image, "
                "or use another project: dataset.name in the stack file",
            ) from None

    def extend_labelling(self, project: int, labels: Sequence[str], choice: str) -> None:
        """Add labels to a project's choices, or let people choose several; the rest stays."""
        config = extend_label_config(self._configs[project], labels, choice)
        self._server.call("PATCH", f"/api/projects/{project}", body={"label_config": config})
        self._configs[project] = config

    def delete_project(self, project: int) -> None:
        """Delete a project with all its tasks and annotations, if it is there."""
        with suppress(NotFound):
            self._server.call("DELETE", f"/api/projects/{project}")

    def model_versions(self, project: int) -> dict[str, int]:
        """Model version -> number of its predictions."""
        found = self._server.get(f"/api/projects/{project}/model-versions/", {"extended": "true"})
        return {str(row["model_version"]): int(row["count"]) for row in found["static"]}

    def show_model_version(self, project: int, version: str) -> None:
        """Make the server show this version's predictions, and order its stream by them."""
        self._server.call("PATCH", f"/api/projects/{project}", body={"model_version": version})

    def stream_url(self, project: int) -> str:
        """Address of the labelling stream, for people."""
        return f"{self.url}/projects/{project}/data?labeling=1"

    def has_local_storage(self, project: int, path: str) -> bool:
        """Whether a project's tasks can show files below ``path``."""
        found = self._server.get("/api/storages/localfiles/", {"project": project})
        return any(known["path"] == path for known in found)

    def ensure_local_storage(self, project: int, path: str) -> None:
        """Let a project's tasks show files below ``path``; the storage is never synced.

        Raises:
            ConfigError: the server may not serve files of this folder.
        """
        if self.has_local_storage(project, path):
            return
        storage = {
            "project": project,
            "path": path,
            **ONLY_SHOWS,
        }
        try:
            self._server.post("/api/storages/localfiles/", storage)
        except Rejected as error:
            raise ConfigError(
                f"Label Studio at {self.url} may not show the images of {path}: {error.message}",
                "Start it with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
                "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT set to a folder above, and set "
                "label_studio.document_root to the same folder.",
            ) from error

    def storages(self, project: int, kind: str) -> list[dict[str, Any]]:
        """Import storages of a project, without their secrets.

        Args:
            project: its id.
            kind: of storage, as in the API: s3, gcs, azure.
        """
        found: list[dict[str, Any]] = self._server.get(
            f"/api/storages/{kind}/", {"project": project}
        )
        return found

    def export_storages(self, project: int) -> list[dict[str, Any]]:
        """Export storages that annoloop made for a project, without their secrets."""
        found = self._server.get("/api/storages/export", {"project": project})
        return [known for known in found if known["title"] == EXPORTS["title"]]

    def add_export_storage(self, project: int, kind: str, settings: Mapping[str, Any]) -> None:
        """Have the server write the annotations of a project elsewhere too: these, and new ones.

        Args:
            project: its id.
            kind: of storage, as in the API: s3, gcs, azure, localfiles.
            settings: of the storage.

        Raises:
            ConfigError: the server cannot reach it, or cannot write.
        """
        body = {"project": project, **EXPORTS, **settings}
        path = f"/api/storages/export/{kind}"
        try:
            made = self._server.post(path, body)
        except Rejected as error:
            raise ConfigError(
                f"Label Studio at {self.url} cannot write annotations to the store: "
                f"{error.message}",
                "Check that the bucket is there and that the credentials may write, or set "
                "store.export_annotations: false",
            ) from error
        try:
            written = self._server.post(f"{path}/{made['id']}/sync", {})
            if written["status"] == "failed":
                raise UnreachableError(
                    f"Label Studio at {self.url} could not write the annotations to the store",
                    "See why: annoloop logs; and check what the credentials may do.",
                )
        except AnnoloopError:
            # It would fail at each answer that people give.
            self.delete_export_storage(kind, int(made["id"]))
            raise

    def delete_export_storage(self, kind: str, number: int) -> None:
        """Stop writing annotations to an export storage; what was written stays."""
        with suppress(NotFound):
            self._server.call("DELETE", f"/api/storages/export/{kind}/{number}")

    def put_storage(
        self, project: int, kind: str, known: int | None, bucket: str, settings: Mapping[str, Any]
    ) -> None:
        """Let a project's tasks show images of a bucket; the storage is never synced.

        Args:
            project: its id.
            kind: of storage, as in the API.
            known: id of the storage to change, or ``None`` for a new one.
            bucket: its name, for messages.
            settings: of the storage.

        Raises:
            ConfigError: the server cannot read the bucket.
        """
        storage = {"project": project, "recursive_scan": True, **ONLY_SHOWS, **settings}
        path = f"/api/storages/{kind}/"
        try:
            if known:
                self._server.call("PATCH", f"{path}{known}", body=storage)
            else:
                self._server.post(path, storage)
        except Rejected as error:
            hint = (
                f"Check the credentials in the section {kind} of the stack file, and that the "
                "server reaches the bucket."
            )
            if GUARDED in error.message:
                hint = (
                    "It asks no address of a private network. Whoever runs it can allow that: "
                    "SSRF_PROTECTION_ENABLED=false in its environment."
                )
            raise ConfigError(
                f"Label Studio at {self.url} cannot read the bucket {bucket}: {error.message}",
                hint,
            ) from error

    def _read(self, raw: Mapping[str, Any]) -> ProjectCounts:
        self._configs[int(raw["id"])] = str(raw["label_config"])
        return ProjectCounts(
            id=int(raw["id"]),
            created_at=str(raw["created_at"]),
            title=str(raw["title"]),
            tasks=int(raw.get("task_number") or 0),
            labeled=int(raw.get("num_tasks_with_annotations") or 0),
            annotations=int(raw.get("total_annotations_number") or 0),
            skips=int(raw.get("skipped_annotations_number") or 0),
            model_version=str(raw.get("model_version") or ""),
        )

    def _projects(self, title: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self._server.get(
                "/api/projects",
                {
                    "include": PROJECT,
                    "page": len(found) // PAGE + 1,
                    "page_size": PAGE,
                    **({"title": title} if title else {}),
                },
            )
            found += page["results"]
            if not page["next"]:
                return found
