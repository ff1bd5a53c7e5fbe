"""The Label Studio server that a stack file names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx

from annolooop.config.schema import LabelStudioConfig
from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.connection import Connection
from annolooop.labelstudio.api.studio import Studio

if TYPE_CHECKING:
    from annolooop.labelstudio.server.daemon import Daemon


def open_studio(
    section: LabelStudioConfig,
    daemon: Daemon | None,
    buckets: Sequence[str] = (),
    own_name: bool = True,
) -> Studio:
    """The server, ours or someone else's.

    Args:
        section: ``label_studio`` of the stack file.
        daemon: our server; ``None`` where the stack file names one of someone else.
        buckets: addresses of the servers of buckets that are not a cloud's own.
        own_name: people's browsers ask for our server by a name of its own.

    Raises:
        UnreachableError: ours does not run, or not as the stack file says.
        ConfigError: its login is lost.
    """
    allowed = [*section.allowed_hosts, *(httpx.URL(address).netloc.decode() for address in buckets)]
    if section.url and section.api_key:
        key = section.api_key.get_secret_value()
        return Studio(Connection(section.url, key, section.timeout, False, allowed))
    assert daemon is not None
    credentials = daemon.credentials()
    if credentials is None or daemon.running() is None:
        raise UnreachableError(
            f"Label Studio is not running on {daemon.url}", "Start it: annoloop up"
        )
    from annolooop.labelstudio.server.page_host import page_host

    pages = f"http://{page_host(credentials)}:{daemon.port}" if own_name else daemon.url
    return Studio(Connection(daemon.url, credentials.token, section.timeout, True, allowed, pages))
