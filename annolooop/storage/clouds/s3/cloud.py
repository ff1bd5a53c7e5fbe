"""Amazon S3, and what speaks its language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from annolooop.storage.clouds.cloud import Cloud, plain

if TYPE_CHECKING:
    from annolooop.storage.artifacts.store import Provider
    from annolooop.storage.clouds.provisioning import Administration
    from annolooop.storage.clouds.s3.files import S3Access


class S3(Cloud):
    """Amazon S3, and what speaks its language."""

    name = "s3"
    cli = "aws"
    kind = "s3"
    address = "s3"
    guarded = True

    def access(self) -> S3Access:
        """How to reach it."""
        s3 = self._config.s3
        access: S3Access = self._module.S3Access(
            endpoint=s3.endpoint,
            region=s3.region,
            key=s3.access_key,
            secret=plain(s3.secret_key),
            token=plain(s3.session_token),
            profile=s3.profile,
        )
        return access

    def provider(self) -> Provider:
        opened: Provider = self._module.open_s3(self.access())
        return opened

    def administration(self) -> Administration:
        made: Administration = self._setup.S3Administration(self.access(), self.required)
        return made

    def setup_commands(self) -> str:
        from annolooop.storage.clouds.s3.by_hand import commands

        return commands(self.required, self.endpoint)

    @property
    def endpoint(self) -> str | None:
        return self._config.s3.endpoint

    @property
    def _place(self) -> str | None:
        return self._config.s3.region

    def server_variables(self) -> dict[str, str]:
        # Told so, it may be in a private network without the server's guard being let down.
        endpoint = self._config.s3.endpoint
        return {"S3_ENDPOINT": endpoint} if endpoint else {}

    @property
    def image_settings(self) -> Mapping[str, str | None]:
        """With the key that may only read, if there is one: it needs none of annoloop's."""
        s3 = self._config.s3
        if not s3.reader_access_key:
            return self.server_settings
        return {
            "aws_access_key_id": s3.reader_access_key,
            "aws_secret_access_key": plain(s3.reader_secret_key),
            "aws_session_token": None,
            "region_name": s3.region,
            "s3_endpoint": None if self._ours else s3.endpoint,
        }

    def _settings(self) -> Mapping[str, str | None]:
        access: S3Access = self._module.read_credentials(self.access())
        return {
            "aws_access_key_id": access.key,
            "aws_secret_access_key": access.secret,
            "aws_session_token": access.token,
            "region_name": access.region,
            "s3_endpoint": None if self._ours else access.endpoint,
        }
