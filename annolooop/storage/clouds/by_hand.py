"""What sets up a bucket, as commands that an administrator types; nothing is asked of a cloud."""

from shlex import quote

from annolooop.storage.clouds.requirements import (
    AZURE_ROLE,
    CORS_SECONDS,
    GCS_ROLES,
    METHODS,
    Wanted,
    gcs_cors_rule,
    partition_of,
    pretty,
    s3_cors_rule,
    s3_policy,
)

BLOCK = (
    "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
)

CORS_COMMENT = (
    "# Label Studio's pages may read by signed addresses. Where there are rules already, they are",
    "# only shown: add the one of cors.json to them, as setting rules replaces all of them.",
)


def aws(wanted: Wanted, endpoint: str | None) -> str:
    """Commands of ``aws``; those of IAM only where the server is Amazon's."""
    bucket, region = quote(wanted.bucket), wanted.place or "us-east-1"
    at = f" --endpoint-url {quote(endpoint)}" if endpoint else ""
    where = f" --region {quote(region)}"
    if region != "us-east-1":
        where += f" \\\n    --create-bucket-configuration LocationConstraint={quote(region)}"
    lines = [
        f"# The bucket of {wanted.bucket}/{wanted.prefix}, unless it is there.",
        f"aws s3api head-bucket --bucket {bucket}{at} ||",
        f"  aws s3api create-bucket --bucket {bucket}{at}{where}",
        "",
        "# Nobody reads it without a key.",
        f"aws s3api put-public-access-block --bucket {bucket}{at} \\",
        f"  --public-access-block-configuration {BLOCK}",
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
        *_file("cors.json", pretty({"CORSRules": [s3_cors_rule(wanted, wanted.origins)]})),
        f"aws s3api get-bucket-cors --bucket {bucket}{at} ||",
        f"  aws s3api put-bucket-cors --bucket {bucket}{at} --cors-configuration file://cors.json",
    ]
    if endpoint:
        return _text([*lines, "", "# Give the key its rights by the server's own means."])
    name = quote(wanted.policy_name)
    policy = s3_policy(wanted, partition_of(wanted.place))
    lines += [
        "",
        "# Rights for a key: this part of the bucket, and nothing else.",
        *_file("policy.json", pretty(policy)),
        "POLICY=$(aws iam list-policies --scope Local --output text \\",
        f"  --query \"Policies[?PolicyName=='{wanted.policy_name}'].Arn\")",
        f'[ -n "$POLICY" ] || POLICY=$(aws iam create-policy --policy-name {name} \\',
        "  --policy-document file://policy.json --query Policy.Arn --output text)",
        "# Set USER_OF_ANNOLOOP: the user whose access key the stack file has.",
        'aws iam attach-user-policy --user-name "$USER_OF_ANNOLOOP" --policy-arn "$POLICY"',
    ]
    return _text(lines)


def gcp(wanted: Wanted, project: str | None, email: str | None) -> str:
    """Commands of ``gcloud``."""
    url = quote(f"gs://{wanted.bucket}")
    told = f" --project {quote(project)}" if project else ""
    place = f" --location {quote(wanted.place)}" if wanted.place else ""
    account = quote(f"serviceAccount:{email}") if email else '"serviceAccount:$SERVICE_ACCOUNT"'
    lines = [
        f"# The bucket of {wanted.bucket}/{wanted.prefix}, unless it is there.",
        f"gcloud storage buckets describe {url}{told} ||",
        f"  gcloud storage buckets create {url}{told}{place}",
        "",
        "# Nobody reads it without credentials. A bucket that others use too may rely on ACLs:",
        "# leave uniform access out there.",
        f"gcloud storage buckets update {url} \\",
        "  --uniform-bucket-level-access --public-access-prevention",
        "",
        *CORS_COMMENT,
        *_file("cors.json", pretty([gcs_cors_rule(wanted.origins)])),
        f"gcloud storage buckets describe {url} --format='json(cors_config)' | grep origin ||",
        f"  gcloud storage buckets update {url} --cors-file=cors.json",
        "",
        "# The service account reads and writes this bucket's objects; Label Studio also looks at",
        "# the bucket itself.",
    ]
    for role in GCS_ROLES:
        lines += [
            f"gcloud storage buckets add-iam-policy-binding {url} \\",
            f"  --member {account} --role {role}",
        ]
    return _text(lines)


def azure(wanted: Wanted, account: str | None) -> str:
    """Commands of ``az``."""
    named = quote(account) if account else '"$ACCOUNT"'
    container, first = quote(wanted.bucket), quote(wanted.origins[0])
    lines = [
        f"# The container of {wanted.bucket}/{wanted.prefix}, unless it is there; not public.",
        f"az storage container create --account-name {named} --name {container} \\",
        "  --auth-mode login --public-access off",
        f"az storage container set-permission --account-name {named} --name {container} \\",
        "  --auth-mode key --public-access off",
        "",
        "# Label Studio's pages may read by signed addresses. The rule is of the account as",
        "# a whole, which has five at most; those that are there stay.",
        f"az storage cors list --account-name {named} --services b | grep -F {first} ||",
        f"  az storage cors add --account-name {named} --services b \\",
        f"    --methods {' '.join(METHODS)} \\",
        f"    --origins {' '.join(map(quote, wanted.origins))} \\",
        f"    --allowed-headers '*' --max-age {CORS_SECONDS}",
        "",
        "# Whoever has no key of the account (az login, a managed identity): this container only.",
        f"SCOPE=$(az storage account show --name {named} --query id --output tsv)",
        f'az role assignment create --role "{AZURE_ROLE}" --assignee "$ASSIGNEE" \\',
        f'  --scope "$SCOPE/blobServices/default/containers/"{container}',
    ]
    return _text(lines)


def _file(name: str, content: str) -> list[str]:
    return [f"cat > {name} <<'EOF'", content, "EOF"]


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
