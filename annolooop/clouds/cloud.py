"""A cloud that a store may be in: what each part of the program is told of it.

The stack file's words are translated into those of the file systems, and into those of Label
Studio's storages.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
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
    from annolooop.storage.store import Provider
    from annolooop.storage.wanted import Wanted


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

    def in_bucket(self, key: str) -> str:
        """Name in the bucket of what is called ``key`` in the store."""
        return f"{self.prefix}/{key}" if self.prefix else key

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

        prefix = self.in_bucket(f"{ANNOTATIONS}/{dataset}")
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


def digest_of(settings: Mapping[str, str | None]) -> str:
    """Noted with a storage of Label Studio's, to see whether it has other settings than these."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def plain(secret: SecretStr | None) -> str | None:
    """A secret as it is, for who needs it."""
    return secret.get_secret_value() if secret else None
