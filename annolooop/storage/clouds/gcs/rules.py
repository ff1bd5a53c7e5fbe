"""What a bucket of Google Cloud Storage needs, in Google's words."""

from collections.abc import Sequence
from typing import Any

from annolooop.storage.clouds.requirements import CORS_SECONDS, METHODS

# The second lets Label Studio look at the bucket itself.
ROLES = ("roles/storage.objectUser", "roles/storage.legacyBucketReader")


def cors_rule(origins: Sequence[str]) -> dict[str, Any]:
    """A rule of Google Cloud Storage that lets these origins read."""
    return {
        "origin": list(origins),
        "method": list(METHODS),
        "responseHeader": ["Content-Type"],
        "maxAgeSeconds": CORS_SECONDS,
    }
