"""A cloud that a store may be in, as each part of the program sees it.

It translates the settings of the stack file into those of the file systems, and into those of
Label Studio's storages.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from annolooop.errors import ConfigError, install_extra

if TYPE_CHECKING:
    from pydantic import SecretStr

    from annolooop.config.schema import StackConfig
    from annolooop.storage.artifacts.store import Provider
    from annolooop.storage.clouds.provisioning import Administration
    from annolooop.storage.clouds.requirements import Requirements


class Cloud(ABC):
    """One cloud, as a stack file describes it.

    Args:
        config: the stack file.
        path: resolves a path of the stack file.
    """

    name: ClassVar[str]
    """Name of its section in the stack file, of its extra, and of its folder here."""

    kind: ClassVar[str]
    """What Label Studio's API calls its storages."""

    address: ClassVar[str]
    """Scheme of the addresses that Label Studio resolves."""

    cli: ClassVar[str]
    """Name of its commands, for `storage setup --print`."""

    bucket_field: ClassVar[str] = "bucket"
    """What Label Studio calls a bucket of it."""

    told_at_start: ClassVar[bool] = False
    """Label Studio learns the address of a server that is not the cloud's own when it starts."""

    guarded: ClassVar[bool] = False
    """Label Studio refuses a server in a private network, unless it is allowed."""

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
        # It reads what follows as a query.
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
    def required(self) -> Requirements:
        """What its bucket needs."""
        from annolooop.storage.clouds.requirements import Requirements

        section = self._config.label_studio
        origins = tuple(f"http://{host}:{section.port}" for host in ("127.0.0.1", "localhost"))
        if section.url:
            # As a browser tells it: in small letters, and without the usual port.
            url = urlsplit(section.url)
            usual = {"http": 80, "https": 443}.get(url.scheme)
            port = f":{url.port}" if url.port not in (None, usual) else ""
            host = url.hostname or ""
            origins = (f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}",)
        return Requirements(self.bucket, self.prefix, origins, self._place)

    @abstractmethod
    def _settings(self) -> Mapping[str, str | None]:
        """Where a bucket is and the credentials to read it, as Label Studio calls them."""

    def server_variables(self) -> dict[str, str]:
        """Variables that give our Label Studio the address of a server that is not the cloud's."""
        return {}

    @cached_property
    def server_settings(self) -> Mapping[str, str | None]:
        """Where the bucket is and the credentials, in the words of Label Studio's API.

        Raises:
            ConfigError: with these credentials, Label Studio cannot show the images.
        """
        # Those without a value are there too: an earlier session token would break a new key.
        return {key: value or None for key, value in self._settings().items()}

    @property
    def image_settings(self) -> Mapping[str, str | None]:
        """The same, to show images: with credentials that may do nothing else, if there are any."""
        return self.server_settings

    @property
    def advice(self) -> str:
        """What to do if Label Studio cannot read the bucket."""
        return ""

    @property
    def _ours(self) -> bool:
        """The Label Studio is the one that `up` starts."""
        return not self._config.label_studio.url

    @cached_property
    def _module(self) -> ModuleType:
        return self._load("files")

    @cached_property
    def _setup(self) -> ModuleType:
        return self._load("provision")

    def _load(self, name: str) -> ModuleType:
        try:
            return importlib.import_module(f"annolooop.storage.clouds.{self.name}.{name}")
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"the store {self._config.store.url} needs the package {error.name}, which is "
                "not installed",
                f"Install it: {install_extra(self.name)}",
            ) from error


def plain(secret: SecretStr | None) -> str | None:
    """The text of a secret."""
    return secret.get_secret_value() if secret else None
