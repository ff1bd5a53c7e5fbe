"""What a store needs around it: pages that may read it, and a key that may do nothing else."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METHODS = ("GET", "HEAD")  # all that a browser does with a picture
CORS_SECONDS = 3600
READ = ("s3:GetObject",)
WRITE = ("s3:PutObject", "s3:DeleteObject")
GCS_ROLES = ("roles/storage.objectUser", "roles/storage.legacyBucketReader")  # second: Label Studio
AZURE_ROLE = "Storage Blob Data Contributor"


@dataclass(frozen=True)
class Wanted:
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


def partition_of(region: str | None) -> str:
    """The part of Amazon's world that a region is in, as its names begin."""
    for start, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if (region or "").startswith(start):
            return partition
    return "aws"


def s3_policy(wanted: Wanted, partition: str = "aws") -> dict[str, Any]:
    """The rights that annoloop and Label Studio need, on this part of the bucket only."""
    bucket = f"arn:{partition}:s3:::{wanted.bucket}"
    listing: dict[str, Any] = {
        "Sid": "List",
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [bucket],
    }
    if wanted.prefix:
        # IfExists: reading an object names no prefix, and without the right to list, Amazon
        # answers that a missing object is forbidden.
        below = [wanted.prefix, f"{wanted.prefix}/*"]
        listing["Condition"] = {"StringLikeIfExists": {"s3:prefix": below}}
    objects = f"{bucket}/{wanted.prefix}/*" if wanted.prefix else f"{bucket}/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            listing,
            {
                "Sid": "Objects",
                "Effect": "Allow",
                "Action": [*READ, *WRITE],
                "Resource": [objects],
            },
        ],
    }


def s3_cors_rule(wanted: Wanted, origins: Sequence[str]) -> dict[str, Any]:
    """A rule of S3 that lets these origins read."""
    return {
        "ID": f"annoloop-{wanted.digest}",
        "AllowedOrigins": list(origins),
        "AllowedMethods": list(METHODS),
        "AllowedHeaders": ["*"],
        "MaxAgeSeconds": CORS_SECONDS,
    }


def gcs_cors_rule(origins: Sequence[str]) -> dict[str, Any]:
    """A rule of Google Cloud Storage that lets these origins read."""
    return {
        "origin": list(origins),
        "method": list(METHODS),
        "responseHeader": ["Content-Type"],
        "maxAgeSeconds": CORS_SECONDS,
    }


def missing_origins(
    wanted: Sequence[str], rules: Sequence[tuple[Sequence[str], Sequence[str]]]
) -> tuple[str, ...]:
    """The origins that no rule lets read.

    Args:
        wanted: origins.
        rules: allowed origins and methods of each rule.
    """

    def lets(origin: str) -> bool:
        return any(
            any(_matches(origin, pattern) for pattern in origins)
            and {*METHODS} <= {m.upper() for m in methods}
            for origins, methods in rules
        )

    return tuple(origin for origin in wanted if not lets(origin))


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
