"""What sets up a bucket of Amazon S3, as commands; nothing is asked of the cloud."""

from shlex import quote

from annolooop.storage.clouds.by_hand import CORS_COMMENT, file_of, text_of
from annolooop.storage.clouds.requirements import Requirements, pretty
from annolooop.storage.clouds.s3.rules import cors_rule, partition_of, policy_of

ALL_BLOCKED = (
    "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
)


def commands(required: Requirements, endpoint: str | None) -> str:
    """Commands of ``aws``; those of IAM only where the server is Amazon's."""
    bucket, region = quote(required.bucket), required.place or "us-east-1"
    at = f" --endpoint-url {quote(endpoint)}" if endpoint else ""
    where = f" --region {quote(region)}"
    if region != "us-east-1":
        where += f" \\\n    --create-bucket-configuration LocationConstraint={quote(region)}"
    lines = [
        f"# The bucket of {required.bucket}/{required.prefix}, unless it is there.",
        f"aws s3api head-bucket --bucket {bucket}{at} ||",
        f"  aws s3api create-bucket --bucket {bucket}{at}{where}",
        "",
        "# Nobody reads it without a key.",
        f"aws s3api put-public-access-block --bucket {bucket}{at} \\",
        f"  --public-access-block-configuration {ALL_BLOCKED}",
    ]
    if not endpoint:
        lines += [
            "# A bucket that others use too may rely on ACLs: leave this out there.",
            f"aws s3api put-bucket-ownership-controls --bucket {bucket} \\",
            "  --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'",
        ]
    lines += [
        "",
        *CORS_COMMENT,
        *file_of("cors.json", pretty({"CORSRules": [cors_rule(required, required.origins)]})),
        f"aws s3api get-bucket-cors --bucket {bucket}{at} ||",
        f"  aws s3api put-bucket-cors --bucket {bucket}{at} --cors-configuration file://cors.json",
    ]
    if endpoint:
        return text_of([*lines, "", "# Give the key its rights by the server's own means."])
    name = quote(required.policy_name)
    policy = policy_of(required, partition_of(required.place))
    lines += [
        "",
        "# Rights for a key: this part of the bucket, and nothing else.",
        *file_of("policy.json", pretty(policy)),
        "POLICY=$(aws iam list-policies --scope Local --output text \\",
        f"  --query \"Policies[?PolicyName=='{required.policy_name}'].Arn\")",
        f'[ -n "$POLICY" ] || POLICY=$(aws iam create-policy --policy-name {name} \\',
        "  --policy-document file://policy.json --query Policy.Arn --output text)",
        "# Set USER_OF_ANNOLOOP: the user whose access key the stack file has.",
        'aws iam attach-user-policy --user-name "$USER_OF_ANNOLOOP" --policy-arn "$POLICY"',
    ]
    return text_of(lines)
