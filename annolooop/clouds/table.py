"""Which cloud a store is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from annolooop.clouds.azure import Azure
from annolooop.clouds.cloud import Cloud
from annolooop.clouds.gcs import GCS
from annolooop.clouds.s3 import S3

if TYPE_CHECKING:
    from annolooop.config import StackConfig

CLOUDS: Mapping[str, type[Cloud]] = {"s3": S3, "gs": GCS, "az": Azure}


def open_cloud(config: StackConfig, path: Callable[[str], Path]) -> Cloud | None:
    """The cloud of the store, or ``None`` for a folder."""
    scheme, separator, _ = config.store.url.partition("://")
    return CLOUDS[scheme](config, path) if separator else None
