"""The rights that a key gets: one part of one bucket, and nothing else."""

import pytest

from annolooop.storage.clouds.requirements import Requirements
from annolooop.storage.clouds.s3.rules import cors_rule, partition_of, policy_of

PART = Requirements("lab", "team", ("http://localhost:8085",))
WHOLE = Requirements("lab", "", ())


def test_rights_end_with_the_prefix() -> None:
    listing, objects = policy_of(PART)["Statement"]
    assert objects["Resource"] == ["arn:aws:s3:::lab/team/*"]
    assert listing["Condition"] == {"StringLikeIfExists": {"s3:prefix": ["team", "team/*"]}}


def test_rights_on_a_whole_bucket_need_no_condition() -> None:
    listing, objects = policy_of(WHOLE)["Statement"]
    assert objects["Resource"] == ["arn:aws:s3:::lab/*"]
    assert "Condition" not in listing


def test_nothing_but_objects_may_be_changed() -> None:
    actions = {action for one in policy_of(PART)["Statement"] for action in one["Action"]}
    assert actions == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        (None, "aws"),
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
    ],
)
def test_region_tells_the_partition(region: str | None, partition: str) -> None:
    assert partition_of(region) == partition


def test_each_part_of_a_bucket_has_a_rule_of_its_own() -> None:
    mine, yours = (cors_rule(part, part.origins)["ID"] for part in (PART, WHOLE))
    assert mine != yours
