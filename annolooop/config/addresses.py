"""Addresses of servers, as a stack file gives them."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from annolooop.config.references import MASK

_HOST = re.compile(r"\w([\w-]*\w)?(\.\w([\w-]*\w)?)*\.?")


def check_address(url: str) -> str:
    """An address without a slash at its end; the empty one is none.

    Raises:
        ValueError: no server can have this address.
    """
    if not url or MASK in url:
        return url.rstrip("/")
    if not re.match(r"https?://[^/\s]", url):
        raise ValueError("must start with http:// or https://")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if "[" in parts.netloc:
            ipaddress.IPv6Address(host)
        elif not _HOST.fullmatch(host) or len(host) > 253:
            raise ValueError(host)
        elif not host.isascii() or "xn--" in host:
            import idna  # large, and hardly ever needed

            idna.encode(host, uts46=True)
        if parts.port == 0:
            raise ValueError(host)
    except ValueError:
        raise ValueError(
            "is no address of a server, for example https://example.org:8080"
        ) from None
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(check_address)]
