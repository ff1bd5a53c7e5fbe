"""Which cloud a store is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from annolooop.storage.clouds.azure.cloud import Azure
from annolooop.storage.clouds.cloud import Cloud
from annolooop.storage.clouds.gcs.cloud import GCS
from annolooop.storage.clouds.s3.cloud import S3

if TYPE_CHECKING:
    from annolooop.config.schema import StackConfig

CLOUDS: Mapping[str, type[Cloud]] = {"s3": S3, "gs": GCS, "az": Azure}


def open_cloud(config: StackConfig, path: Callable[[str], Path]) -> Cloud | None:
    """The cloud of the store, or ``None`` for a folder."""
    scheme, separator, _ = config.store.url.partition("://")
    return CLOUDS[scheme](config, path) if separator else None
