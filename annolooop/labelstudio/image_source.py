"""How Label Studio reaches the images of the artifact store."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from annolooop.errors import ConfigError
from annolooop.files.whole import make_folder
from annolooop.labelstudio.api.studio import Studio


@dataclass(frozen=True)
class LocalImages:
    """Images in a folder that the server may serve files of.

    Attributes:
        document_root: the folder whose files the server serves.
        store: the store's folder as the server sees it: below the root, or the root itself where
            that holds a link to the images.
        images: name of the images' folder in the store.
        prefix: path of the server's address; a browser resolves against the host alone.
    """

    document_root: Path
    store: Path
    images: str
    prefix: str = ""

    def connected(self, studio: Studio, project: int) -> bool:
        """Whether a project can show them."""
        return studio.storages.has_folder(project, str(self.store / self.images))

    def connect(self, studio: Studio, project: int) -> None:
        """Let a project show them."""
        folder = self.store / self.images
        make_folder(folder.resolve(), shared=True)  # it may be a link
        studio.storages.add_folder(project, str(folder))

    def refresh(self, studio: Studio, project: int) -> bool:
        """There are no credentials: always ``False``."""
        return False

    def url(self, key: str) -> str:
        """The ``image`` of a task for this key of the store.

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
        bucket_field: what the storage calls its bucket.
        bucket: its name.
        prefix: the store's part of it, empty for all.
        presign: the browser gets signed addresses, else the images through the server.
        presign_minutes: how long those are good for.
        settings: where it is and the credentials, as Label Studio calls them.
        advice: what to do where the server cannot read it, if that is known.
    """

    kind: str
    scheme: str
    bucket_field: str
    bucket: str
    prefix: str
    presign: bool
    presign_minutes: int
    settings: Mapping[str, str | None] = field(repr=False)
    advice: str = ""

    def connected(self, studio: Studio, project: int) -> bool:
        """Whether a project can show them, in this way and with these credentials."""
        known = self._find(studio, project)
        return known is not None and self._fits(known)

    def connect(self, studio: Studio, project: int) -> None:
        """Let a project show them, in this way and with these credentials."""
        known = self._find(studio, project)
        if known is None or not self._fits(known):
            self._put(studio, project, known)

    def refresh(self, studio: Studio, project: int) -> bool:
        """Give the server the credentials again, where a project shows images of the bucket.

        Returns:
            Whether it does.

        Raises:
            ConfigError: the server cannot read the bucket with them.
        """
        known = self._find(studio, project)
        if known:
            self._put(studio, project, known)
        return known is not None

    def _put(self, studio: Studio, project: int, known: Mapping[str, Any] | None) -> None:
        body = {self.bucket_field: self.bucket, **self.settings, **self._shown()}
        number = int(known["id"]) if known else None
        try:
            studio.storages.put_bucket(project, self.kind, number, self.bucket, body)
        except ConfigError as error:
            raise ConfigError(error.message, self.advice or error.hint) from error

    def url(self, key: str) -> str:
        """The ``image`` of a task for this key of the store."""
        return f"{self.scheme}://{self.bucket}/{self.prefix}{'/' if self.prefix else ''}{key}"

    def _find(self, studio: Studio, project: int) -> dict[str, Any] | None:
        storages = studio.storages.imports(project, self.kind)
        return next((known for known in storages if known[self.bucket_field] == self.bucket), None)

    def _fits(self, known: Mapping[str, Any]) -> bool:
        return all(known[key] == value for key, value in self._shown().items())

    def _shown(self) -> dict[str, Any]:
        """What the server shows of it; a changed digest means other credentials."""
        return {
            "presign": self.presign,
            "presign_ttl": self.presign_minutes,
            "description": f"settings {_digest(self.settings)}",
        }


@dataclass(frozen=True)
class AnnotationExport:
    """A copy of each annotation that the server writes to the store, or none.

    Attributes:
        enabled: there shall be one.
        kind: of storage, as in the server's API.
        settings: where it is and the credentials, as Label Studio calls them.
    """

    enabled: bool
    kind: str = ""
    settings: Mapping[str, str | None] = field(default_factory=dict, repr=False)

    def connected(self, studio: Studio, project: int) -> bool:
        """Whether a project's annotations are written there, or nowhere if it is not enabled."""
        return [known["description"] for known in studio.storages.exports(project)] == (
            [self._description] if self.enabled else []
        )

    def connect(self, studio: Studio, project: int) -> None:
        """Have a project's annotations written there and nowhere else; all of them are at first."""
        if not self.connected(studio, project):
            self.renew(studio, project)

    def renew(self, studio: Studio, project: int) -> None:
        """The same, also if it is so already: what could not be written then is written now."""
        before = studio.storages.exports(project)
        if self.enabled:
            body = {**self.settings, "description": self._description}
            studio.storages.add_export(project, self.kind, body)
        for known in before:  # not earlier: the new one may be refused
            studio.storages.delete_export(known["type"], int(known["id"]))

    @property
    def _description(self) -> str:
        return f"settings {_digest(self.settings)}"


def _digest(settings: Mapping[str, str | None]) -> str:
    """Kept with a storage of Label Studio, to see whether it has other settings than these."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
