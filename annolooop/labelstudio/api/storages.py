"""Storages of a Label Studio project: where it takes images from, and copies annotations to."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from annolooop.errors import AnnoloopError, ConfigError, UnreachableError
from annolooop.labelstudio.api.connection import GUARDED, Connection, NotFound, Rejected

# A storage that lets tasks show images. Synced, it would make each task a second time.
ONLY_SHOWS = {
    "title": "annoloop: shows images, is never synced",
    "use_blob_urls": True,
    "synchronizable": False,
}
EXPORTS = {"title": "annoloop: a copy of the annotations", "can_delete_objects": False}


class Storages:
    """The storages of a server's projects; secrets are never part of them.

    Args:
        connection: to the server.

    A ``kind`` of storage is as in the API: s3, gcs, azure, localfiles.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def has_folder(self, project: int, path: str) -> bool:
        """Whether a project's tasks can show files below ``path``."""
        return any(storage["path"] == path for storage in self.imports(project, "localfiles"))

    def add_folder(self, project: int, path: str) -> None:
        """Let a project's tasks show files below ``path``; the storage is never synced.

        Raises:
            ConfigError: the server may not serve files of this folder.
        """
        if self.has_folder(project, path):
            return
        storage = {"project": project, "path": path, **ONLY_SHOWS}
        try:
            self._connection.post("/api/storages/localfiles/", storage)
        except Rejected as error:
            raise ConfigError(
                f"Label Studio at {self._connection.url} may not show the images of {path}: "
                f"{error.message}",
                "Start it with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
                "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT set to a folder that holds nothing but a "
                "link images to this one, and set label_studio.document_root to the same folder.",
            ) from error

    def is_connected(self, project: int) -> bool:
        """Whether annoloop ever let a project show images of a store."""
        storages = self._connection.get("/api/storages/", {"project": project})
        return any(storage["title"] == ONLY_SHOWS["title"] for storage in storages)

    def imports(self, project: int, kind: str) -> list[dict[str, Any]]:
        """Storages that a project shows images of."""
        path = f"/api/storages/{kind}/"
        storages: list[dict[str, Any]] = self._connection.get(path, {"project": project})
        return storages

    def put_bucket(
        self, project: int, kind: str, known: int | None, bucket: str, settings: Mapping[str, Any]
    ) -> None:
        """Let a project's tasks show images of a bucket; the storage is never synced.

        Args:
            project: its id.
            kind: of storage.
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
                self._connection.call("PATCH", f"{path}{known}", body=storage)
            else:
                self._connection.post(path, storage)
        except Rejected as error:
            hint = (
                f"Check the credentials in the section {kind} of the stack file, and that the "
                "server reaches the bucket."
            )
            if GUARDED in error.message:
                hint = (
                    "The server refuses addresses of private networks. Whoever runs it can allow "
                    "them: SSRF_PROTECTION_ENABLED=false in its environment."
                )
            raise ConfigError(
                f"Label Studio at {self._connection.url} cannot read the bucket {bucket}: "
                f"{error.message}",
                hint,
            ) from error

    def exports(self, project: int) -> list[dict[str, Any]]:
        """Storages that annoloop had a project write its annotations to."""
        storages = self._connection.get("/api/storages/export", {"project": project})
        return [storage for storage in storages if storage["title"] == EXPORTS["title"]]

    def add_export(self, project: int, kind: str, settings: Mapping[str, Any]) -> None:
        """Have the server write the annotations of a project elsewhere too: these, and new ones.

        Raises:
            ConfigError: the server cannot reach it, or cannot write.
        """
        url, path = self._connection.url, f"/api/storages/export/{kind}"
        try:
            storage = self._connection.post(path, {"project": project, **EXPORTS, **settings})
        except Rejected as error:
            raise ConfigError(
                f"Label Studio at {url} cannot write annotations to the store: {error.message}",
                "Check that the bucket is there and that the credentials may write, or set "
                "store.export_annotations: false",
            ) from error
        try:
            written = self._connection.post(f"{path}/{storage['id']}/sync", {})
            if written["status"] == "failed":
                raise UnreachableError(
                    f"Label Studio at {url} could not write the annotations to the store",
                    "See why: annoloop logs; and check what the credentials may do.",
                )
        except AnnoloopError:
            # It would fail at each answer that people give.
            self.delete_export(kind, int(storage["id"]))
            raise

    def delete_export(self, kind: str, storage: int) -> None:
        """Stop writing annotations to an export storage; what was written stays."""
        with suppress(NotFound):
            self._connection.call("DELETE", f"/api/storages/export/{kind}/{storage}")
