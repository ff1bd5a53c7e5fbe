"""What a store needs around it: pages that may read it, and a key that may do nothing else."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METHODS = ("GET", "HEAD")  # all that a browser does with a picture
CORS_SECONDS = 3600


@dataclass(frozen=True)
class Requirements:
    """A bucket as a stack needs it.

    Attributes:
        bucket, prefix: the store's part of it; the prefix is empty for all.
        origins: of the pages of Label Studio, as a browser tells them.
        place: region or location to make it in, if the stack file names one.
    """

    bucket: str
    prefix: str
    origins: tuple[str, ...]
    place: str | None = None

    @property
    def digest(self) -> str:
        """Tells it from others in the same bucket."""
        return hashlib.sha256(f"{self.bucket}/{self.prefix}".encode()).hexdigest()[:8]

    @property
    def policy_name(self) -> str:
        """Of the IAM policy."""
        prefix = re.sub(r"[^\w.-]+", "-", self.prefix, flags=re.ASCII).strip("-")
        return "-".join(p for p in ("annoloop", self.bucket, prefix[:32], self.digest) if p)


def missing_origins(
    required: Sequence[str], rules: Sequence[tuple[Sequence[str], Sequence[str]]]
) -> tuple[str, ...]:
    """The origins that no rule lets read.

    Args:
        required: origins.
        rules: allowed origins and methods of each rule.
    """

    def lets(origin: str) -> bool:
        return any(
            any(_matches(origin, pattern) for pattern in origins)
            and {*METHODS} <= {m.upper() for m in methods}
            for origins, methods in rules
        )

    return tuple(origin for origin in required if not lets(origin))


def _matches(origin: str, pattern: str) -> bool:
    start, star, end = pattern.partition("*")
    if not star:
        return origin == pattern
    return (
        len(origin) >= len(start) + len(end) and origin.startswith(start) and origin.endswith(end)
    )


def pretty(document: Mapping[str, Any] | Sequence[Any]) -> str:
    """A document for people and command lines."""
    return json.dumps(document, indent=2)
