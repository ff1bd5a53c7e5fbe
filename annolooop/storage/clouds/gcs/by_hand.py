"""What sets up a bucket of Google Cloud Storage, as commands; nothing is asked of the cloud."""

from shlex import quote

from annolooop.storage.clouds.by_hand import CORS_COMMENT, file_of, text_of
from annolooop.storage.clouds.gcs.rules import ROLES, cors_rule
from annolooop.storage.clouds.requirements import Requirements, pretty


def commands(required: Requirements, project: str | None, email: str | None) -> str:
    """Commands of ``gcloud``."""
    url = quote(f"gs://{required.bucket}")
    of_project = f" --project {quote(project)}" if project else ""
    place = f" --location {quote(required.place)}" if required.place else ""
    account = quote(f"serviceAccount:{email}") if email else '"serviceAccount:$SERVICE_ACCOUNT"'
    lines = [
        f"# The bucket of {required.bucket}/{required.prefix}, unless it is there.",
        f"gcloud storage buckets describe {url}{of_project} ||",
        f"  gcloud storage buckets create {url}{of_project}{place}",
        "",
        "# Nobody reads it without credentials. A bucket that others use too may rely on ACLs:",
        "# leave uniform access out there.",
        f"gcloud storage buckets update {url} \\",
        "  --uniform-bucket-level-access --public-access-prevention",
        "",
        *CORS_COMMENT,
        *file_of("cors.json", pretty([cors_rule(required.origins)])),
        f"gcloud storage buckets describe {url} --format='json(cors_config)' | grep origin ||",
        f"  gcloud storage buckets update {url} --cors-file=cors.json",
        "",
        "# The service account reads and writes this bucket's objects; Label Studio also looks at",
        "# the bucket itself.",
    ]
    for role in ROLES:
        lines += [
            f"gcloud storage buckets add-iam-policy-binding {url} \\",
            f"  --member {account} --role {role}",
        ]
    return text_of(lines)
