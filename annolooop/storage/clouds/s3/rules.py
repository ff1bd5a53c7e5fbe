"""What a bucket of Amazon S3 needs, in the words of S3 and of IAM."""

from collections.abc import Sequence
from typing import Any

from annolooop.storage.clouds.requirements import CORS_SECONDS, METHODS, Requirements

READ = ("s3:GetObject",)
WRITE = ("s3:PutObject", "s3:DeleteObject")


def partition_of(region: str | None) -> str:
    """The part of Amazon's world that a region is in, as its names begin."""
    for start, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if (region or "").startswith(start):
            return partition
    return "aws"


def policy_of(required: Requirements, partition: str = "aws") -> dict[str, Any]:
    """The rights that annoloop and Label Studio need, on this part of the bucket only."""
    bucket = f"arn:{partition}:s3:::{required.bucket}"
    listing: dict[str, Any] = {
        "Sid": "List",
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [bucket],
    }
    if required.prefix:
        # IfExists: reading an object names no prefix, and without the right to list, Amazon
        # answers that a missing object is forbidden.
        below = [required.prefix, f"{required.prefix}/*"]
        listing["Condition"] = {"StringLikeIfExists": {"s3:prefix": below}}
    objects = f"{bucket}/{required.prefix}/*" if required.prefix else f"{bucket}/*"
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


def cors_rule(required: Requirements, origins: Sequence[str]) -> dict[str, Any]:
    """A rule of S3 that lets these origins read."""
    return {
        "ID": f"annoloop-{required.digest}",
        "AllowedOrigins": list(origins),
        "AllowedMethods": list(METHODS),
        "AllowedHeaders": ["*"],
        "MaxAgeSeconds": CORS_SECONDS,
    }
