"""Google Cloud Storage."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from annolooop.errors import ConfigError
from annolooop.storage.clouds.cloud import Cloud, plain

if TYPE_CHECKING:
    from annolooop.storage.artifacts.store import Provider
    from annolooop.storage.clouds.gcs.files import GCSAccess
    from annolooop.storage.clouds.provisioning import Administration


# Of ours, those by which Google's libraries find the credentials of a machine.
GOOGLE_PATHS = ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG")
GOOGLE_VARIABLES = (*GOOGLE_PATHS, "GOOGLE_CLOUD_PROJECT", "NO_GCE_CHECK")


class GCS(Cloud):
    """Google Cloud Storage."""

    name = "gcs"
    cli = "gcp"
    kind = "gcs"
    address = "gs"
    told_at_start = True

    def access(self) -> GCSAccess:
        """How to reach it."""
        gcs = self._config.gcs
        credentials = plain(gcs.credentials)
        key = credentials and self._module.read_service_account(
            credentials, self._path(credentials[:4096])
        )
        access: GCSAccess = self._module.GCSAccess(gcs.endpoint, gcs.project, key)
        return access

    def provider(self) -> Provider:
        opened: Provider = self._module.open_gcs(self.access())
        return opened

    def administration(self) -> Administration:
        made: Administration = self._setup.GCSAdministration(self.access(), self.required)
        return made

    def setup_commands(self) -> str:
        from annolooop.storage.clouds.gcs.by_hand import commands

        return commands(self.required, self._config.gcs.project, self._email())

    @property
    def endpoint(self) -> str | None:
        return self._config.gcs.endpoint

    @property
    def _place(self) -> str | None:
        return self._config.gcs.location

    def _email(self) -> str | None:
        """Of the service account that the stack file names, as far as that can be read."""
        credentials = plain(self._config.gcs.credentials) or ""
        try:
            text = (
                credentials
                if credentials.lstrip().startswith("{")
                else self._path(credentials).read_text()
            )
            return str(json.loads(text)["client_email"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def server_variables(self) -> dict[str, str]:
        endpoint = self._config.gcs.endpoint
        if endpoint:
            download = "/download/storage/v1/b/{bucket_name}/o/{blob_name}?alt=media"
            return {
                "STORAGE_EMULATOR_HOST": endpoint,
                "RESOLVER_PROXY_GCS_DOWNLOAD_URL": f"{endpoint}{download}",
            }
        # Without a key it reads with the credentials of this machine: these lead to them.
        known = {name: os.environ[name] for name in GOOGLE_VARIABLES if os.environ.get(name)}
        return known | {n: str(Path(known[n]).absolute()) for n in GOOGLE_PATHS if n in known}

    @property
    def advice(self) -> str:
        if self.server_settings["google_application_credentials"]:
            return (
                "Label Studio also looks at the bucket itself: give the service account the roles "
                "roles/storage.objectUser and roles/storage.legacyBucketReader on it, and check "
                "the section gcs of the stack file."
            )
        if self._ours:
            return (
                "It reads with the application default credentials that this machine had when it "
                "was started. Start it anew (annoloop down, then: annoloop up), or set "
                "gcs.credentials to the key of a service account."
            )
        return (
            "Without a key, that server needs application default credentials of its own: set "
            "gcs.credentials to the key of a service account."
        )

    def _settings(self) -> Mapping[str, str | None]:
        access = self.access()
        # Someone else's server gets the key that it was meant to have, and no other.
        machine = self._ours and not access.endpoint
        key = access.service_account or (self._module.key_of_machine() if machine else None)
        if self._config.store.images == "presign" and not key:
            raise ConfigError(
                "store.images: presign needs the key of a service account: nothing else can sign "
                "addresses",
                "Set gcs.credentials to such a key, or set store.images to proxy.",
            )
        # Without a key it insists on a project that it then makes no use of.
        project = access.project or (None if key else "none")
        return {"google_application_credentials": key, "google_project_id": project}
