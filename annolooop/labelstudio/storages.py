"""How Label Studio reaches the images of the artifact store."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from annolooop.errors import ConfigError
from annolooop.files import make_folder
from annolooop.labelstudio.client import Studio


@dataclass(frozen=True)
class LocalImages:
    """Images in a folder that the server may serve files of.

    Attributes:
        document_root: the folder whose files the server serves.
        store: the store's folder, below it or the same.
        images: name of the images' folder in the store.
        prefix: path of the server's address; a browser resolves against the host alone.
    """

    document_root: Path
    store: Path
    images: str
    prefix: str = ""

    def connected(self, studio: Studio, project: int) -> bool:
        """Whether a project can show them."""
        return studio.has_local_storage(project, str(self.store / self.images))

    def connect(self, studio: Studio, project: int) -> None:
        """Let a project show them."""
        folder = make_folder(self.store / self.images)
        studio.ensure_local_storage(project, str(folder))

    def url(self, key: str) -> str:
        """What a task's ``image`` says for this key of the store.

        Raises:
            ConfigError: the store is not below the document root.
        """
        try:
            relative = (self.store / key).relative_to(self.document_root)
        except ValueError:
            raise ConfigError(
                f"label_studio.document_root is {self.document_root}, and the store "
                f"{self.store} is not below it",
                "Set label_studio.document_root to a folder that holds the store.",
            ) from None
        return f"{self.prefix}/data/local-files/?d={quote(relative.as_posix())}"


@dataclass(frozen=True)
class BucketImages:
    """Images in a bucket that the server can read.

    Attributes:
        kind: of the storage, as in the server's API.
        scheme: of the addresses that it resolves.
        field: what the storage calls its bucket.
        bucket: its name.
        prefix: the store's part of it, empty for all.
        presign: the browser gets signed addresses, else the images through the server.
        presign_minutes: how long those are good for.
        settings: where it is and the credentials, as Label Studio calls them.
        digest: of the settings.
    """

    kind: str
    scheme: str
    field: str
    bucket: str
    prefix: str
    presign: bool
    presign_minutes: int
    settings: Mapping[str, str] = dataclasses.field(repr=False)
    digest: str

    def connected(self, studio: Studio, project: int) -> bool:
        """Whether a project can show them, in this way and with these credentials."""
        known = self._find(studio, project)
        return known is not None and all(known[key] == v for key, v in self._shown().items())

    def connect(self, studio: Studio, project: int) -> None:
        """Let a project show them, in this way and with these credentials."""
        if not self.connected(studio, project):
            self.refresh(studio, project)

    def refresh(self, studio: Studio, project: int) -> None:
        """Give the server the credentials, also if it seems to have them.

        Raises:
            ConfigError: it cannot read the bucket with them.
        """
        known = self._find(studio, project)
        body = {self.field: self.bucket, **self.settings, **self._shown()}
        number = int(known["id"]) if known else None
        studio.put_storage(project, self.kind, number, self.bucket, body)

    def url(self, key: str) -> str:
        """What a task's ``image`` says for this key of the store."""
        return f"{self.scheme}://{self.bucket}/{self.prefix}{'/' if self.prefix else ''}{key}"

    def _find(self, studio: Studio, project: int) -> dict[str, Any] | None:
        found = studio.storages(project, self.kind)
        return next((known for known in found if known[self.field] == self.bucket), None)

    def _shown(self) -> dict[str, Any]:
        """What the server tells of it; a changed digest means other credentials."""
        return {
            "presign": self.presign,
            "presign_ttl": self.presign_minutes,
            "description": f"settings {self.digest}",
        }
