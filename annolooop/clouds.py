"""The clouds that a store may be in: what each part of the program is told of them.

The stack file's words are translated here into those of the file systems, and into those of Label
Studio's storages.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from annolooop.errors import ConfigError
from annolooop.storage.prefixes import ANNOTATIONS

if TYPE_CHECKING:
    from pydantic import SecretStr

    from annolooop.config import StackConfig
    from annolooop.labelstudio.storages import AnnotationExport, BucketImages
    from annolooop.storage.administration import Administration
    from annolooop.storage.azure_access import AzureAccess
    from annolooop.storage.gcs import GCSAccess
    from annolooop.storage.s3 import S3Access
    from annolooop.storage.store import Provider
    from annolooop.storage.wanted import Wanted

# Of ours, those by which Google's libraries find the credentials of a machine.
GOOGLE_PATHS = ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG")
GOOGLE_VARIABLES = (*GOOGLE_PATHS, "GOOGLE_CLOUD_PROJECT", "NO_GCE_CHECK")


class Cloud(ABC):
    """One cloud, as a stack file describes it.

    Args:
        config: the stack file.
        path: resolves a path of the stack file.
    """

    name: ClassVar[str]
    """Name of its section, of its extra, and of its file in ``storage``."""

    kind: ClassVar[str]
    """What Label Studio's API calls its storages."""

    address: ClassVar[str]
    """Scheme of the addresses that Label Studio resolves."""

    cli: ClassVar[str]
    """Name of its commands, for `storage setup --print`."""

    bucket_field: ClassVar[str] = "bucket"
    """What Label Studio calls a bucket of it."""

    def __init__(self, config: StackConfig, path: Callable[[str], Path]) -> None:
        self._config = config
        self._path = path
        bucket, _, prefix = config.store.url.partition("://")[2].partition("/")
        self.bucket, self.prefix = bucket, prefix

    @abstractmethod
    def provider(self) -> Provider:
        """Its file system.

        Raises:
            ConfigError: its package is not installed, or there are no credentials.
        """

    @property
    def unshown(self) -> Mapping[str, str]:
        """Characters of names for which Label Studio cannot show an object, and why."""
        # It takes what follows for a query.
        why = "Label Studio shows no object of a bucket with {} in its name"
        # It drops these from the address.
        breaks = dict.fromkeys("\n\r\t", why.format("a line break or a tab"))
        return {"?": why.format("a ?"), **breaks}

    @abstractmethod
    def administration(self) -> Administration:
        """What sets up its bucket.

        Raises:
            ConfigError: its package is not installed, or there are no credentials.
        """

    @abstractmethod
    def setup_commands(self) -> str:
        """What sets up its bucket, as commands of the cloud's own."""

    @property
    def endpoint(self) -> str | None:
        """Address of a server that is not the cloud's own."""
        return None

    @property
    def _place(self) -> str | None:
        """Where the bucket is to be made."""
        return None

    @property
    def wanted(self) -> Wanted:
        """What its bucket needs."""
        from annolooop.storage.wanted import Wanted

        section = self._config.label_studio
        origins = tuple(f"http://{host}:{section.port}" for host in ("127.0.0.1", "localhost"))
        if section.url:
            # As a browser tells it: in small letters, and without the usual port.
            url = urlsplit(section.url)
            usual = {"http": 80, "https": 443}.get(url.scheme)
            port = f":{url.port}" if url.port not in (None, usual) else ""
            host = url.hostname or ""
            origins = (f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}",)
        return Wanted(self.bucket, self.prefix, origins, self._place)

    @abstractmethod
    def _settings(self) -> Mapping[str, str | None]:
        """Where a bucket is and the credentials to read it, as Label Studio calls them."""

    def server_variables(self) -> dict[str, str]:
        """Variables by which our own Label Studio knows a server that is not the cloud's."""
        return {}

    def images(self) -> BucketImages:
        """How Label Studio shows the images of the bucket.

        Raises:
            ConfigError: it cannot, with these credentials.
        """
        from annolooop.labelstudio.storages import BucketImages

        store, settings = self._config.store, self._all_settings
        return BucketImages(
            self.kind,
            self.address,
            self.bucket_field,
            self.bucket,
            self.prefix,
            store.images == "presign",
            store.presign_minutes,
            settings,
            digest_of(settings),
        )

    def annotation_export(self, dataset: str) -> AnnotationExport:
        """Where Label Studio writes the annotations of a dataset to."""
        from annolooop.labelstudio.storages import AnnotationExport

        prefix = "/".join(part for part in (self.prefix, ANNOTATIONS, dataset) if part)
        settings = {self.bucket_field: self.bucket, "prefix": prefix, **self._all_settings}
        return AnnotationExport(True, self.kind, settings, digest_of(settings))

    @cached_property
    def _all_settings(self) -> dict[str, str | None]:
        # Those that are not set are told too: a token of before would make a new key useless.
        return {key: value or None for key, value in self._settings().items()}

    @property
    def _ours(self) -> bool:
        """The Label Studio is the one that `up` starts."""
        return not self._config.label_studio.url

    @cached_property
    def _module(self) -> ModuleType:
        return self._load(self.name)

    @cached_property
    def _setup(self) -> ModuleType:
        return self._load(f"setup_{self.name}")

    def _load(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(f"annolooop.storage.{name}")
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"the store {self._config.store.url} needs the package {error.name}, which is "
                "not installed",
                f"Install it: pip install 'annolooop[{self.name}]'",
            ) from error


class S3(Cloud):
    """Amazon S3, and what speaks its language."""

    name = "s3"
    cli = "aws"
    kind = "s3"
    address = "s3"

    def access(self) -> S3Access:
        """How to reach it."""
        s3 = self._config.s3
        access: S3Access = self._module.S3Access(
            endpoint=s3.endpoint,
            region=s3.region,
            key=s3.access_key,
            secret=_plain(s3.secret_key),
            token=_plain(s3.session_token),
            profile=s3.profile,
        )
        return access

    def provider(self) -> Provider:
        opened: Provider = self._module.open_s3(self.access())
        return opened

    def administration(self) -> Administration:
        made: Administration = self._setup.S3Administration(self.access(), self.wanted)
        return made

    def setup_commands(self) -> str:
        from annolooop.storage import by_hand

        return by_hand.aws(self.wanted, self.endpoint)

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

    def _settings(self) -> Mapping[str, str | None]:
        access: S3Access = self._module.read_credentials(self.access())
        return {
            "aws_access_key_id": access.key,
            "aws_secret_access_key": access.secret,
            "aws_session_token": access.token,
            "region_name": access.region,
            "s3_endpoint": None if self._ours else access.endpoint,
        }


class GCS(Cloud):
    """Google Cloud Storage."""

    name = "gcs"
    cli = "gcp"
    kind = "gcs"
    address = "gs"

    def access(self) -> GCSAccess:
        """How to reach it."""
        gcs = self._config.gcs
        given = _plain(gcs.credentials)
        key = given and self._module.read_service_account(given, self._path(given[:4096]))
        access: GCSAccess = self._module.GCSAccess(gcs.endpoint, gcs.project, key)
        return access

    def provider(self) -> Provider:
        opened: Provider = self._module.open_gcs(self.access())
        return opened

    def administration(self) -> Administration:
        made: Administration = self._setup.GCSAdministration(self.access(), self.wanted)
        return made

    def setup_commands(self) -> str:
        from annolooop.storage import by_hand

        return by_hand.gcp(self.wanted, self._config.gcs.project, self._email())

    @property
    def endpoint(self) -> str | None:
        return self._config.gcs.endpoint

    @property
    def _place(self) -> str | None:
        return self._config.gcs.location

    def _email(self) -> str | None:
        """Of the service account that the stack file names, as far as that can be read."""
        given = _plain(self._config.gcs.credentials) or ""
        try:
            text = given if given.lstrip().startswith("{") else self._path(given).read_text()
            return str(json.loads(text)["client_email"])
        except (OSError, ValueError, KeyError, TypeError):
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

    def images(self) -> BucketImages:
        keyed = bool(self._all_settings["google_application_credentials"])
        if self._config.store.images == "presign" and not keyed:
            raise ConfigError(
                "store.images: presign needs the key of a service account: nothing else can sign "
                "addresses",
                "Set gcs.credentials to such a key, or set store.images to proxy.",
            )
        if keyed:
            advice = (
                "Label Studio also looks at the bucket itself: give the service account the roles "
                "roles/storage.objectUser and roles/storage.legacyBucketReader on it, and check "
                "the section gcs of the stack file."
            )
        elif self._ours:
            advice = (
                "It reads with the application default credentials that this machine had when it "
                "was started. Start it anew (annoloop down, then: annoloop up), or set "
                "gcs.credentials to the key of a service account."
            )
        else:
            advice = (
                "Without a key, that server needs application default credentials of its own: set "
                "gcs.credentials to the key of a service account."
            )
        return replace(super().images(), advice=advice)

    def _settings(self) -> Mapping[str, str | None]:
        access = self.access()
        # Someone else's server gets the key that it was meant to have, and no other.
        machine = self._ours and not access.endpoint
        key = access.service_account or (self._module.key_of_machine() if machine else None)
        # Without a key it insists on a project that it then makes no use of.
        project = access.project or (None if key else "none")
        return {"google_application_credentials": key, "google_project_id": project}


class Azure(Cloud):
    """Azure Blob Storage; a bucket is called a container there."""

    name = "azure"
    cli = "azure"
    kind = "azure"
    address = "azure-blob"
    bucket_field = "container"

    def access(self) -> AzureAccess:
        """How to reach it."""
        azure = self._config.azure
        access: AzureAccess = self._module.AzureAccess(
            account=azure.account,
            account_key=_plain(azure.account_key),
            connection_string=_plain(azure.connection_string),
            sas_token=_plain(azure.sas_token),
            endpoint=azure.endpoint,
        )
        return access

    def provider(self) -> Provider:
        opened: Provider = self._module.open_azure(self.access())
        return opened

    @property
    def unshown(self) -> Mapping[str, str]:
        if self._config.store.images == "proxy":
            return super().unshown
        # A signed address holds the name as it is, where these begin something else.
        why = "by signed addresses, Label Studio shows nothing with a {} in its name: set "
        why += "store.images: proxy"
        return {**super().unshown, **{odd: why.format(odd) for odd in "#%"}}

    def administration(self) -> Administration:
        made: Administration = self._setup.AzureAdministration(self.access(), self.wanted)
        return made

    def setup_commands(self) -> str:
        from annolooop.storage import by_hand

        azure = self._config.azure
        named = re.search(r"AccountName=([^;]+)", _plain(azure.connection_string) or "")
        return by_hand.azure(self.wanted, azure.account or (named and named[1]))

    def _settings(self) -> Mapping[str, str | None]:
        access: AzureAccess = self._module.resolve_access(self.access())
        key = access.account_key
        if not key:
            raise ConfigError(
                "Label Studio can read a container only with an account key, and the stack file "
                "has none",
                "Set azure.account_key too"
                + ("; annoloop itself goes on using the signature." if access.sas_token else "."),
            )
        if not access.is_public:
            if self._config.store.images == "presign":
                raise ConfigError(
                    "Label Studio signs addresses of Azure's public cloud only, and the Blob "
                    f"service is at {access.address}",
                    "Set store.images: proxy",
                )
            # It cannot be told of an address. But it puts the key into a connection string as
            # it is, and there the address is what may follow.
            key = f"{key};BlobEndpoint={access.address}"
        return {"account_name": access.account, "account_key": key}


CLOUDS: Mapping[str, type[Cloud]] = {"s3": S3, "gs": GCS, "az": Azure}


def open_cloud(config: StackConfig, path: Callable[[str], Path]) -> Cloud | None:
    """The cloud of the store, or ``None`` for a folder."""
    scheme, separator, _ = config.store.url.partition("://")
    return CLOUDS[scheme](config, path) if separator else None


def digest_of(settings: Mapping[str, str | None]) -> str:
    """Noted with a storage of Label Studio's, to see whether it has other settings than these."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
