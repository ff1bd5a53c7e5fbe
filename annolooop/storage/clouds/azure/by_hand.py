"""What sets up a container of Azure Blob Storage, as commands; nothing is asked of the cloud."""

from shlex import quote

from annolooop.storage.clouds.by_hand import text_of
from annolooop.storage.clouds.requirements import CORS_SECONDS, METHODS, Requirements

ROLE = "Storage Blob Data Contributor"


def commands(required: Requirements, account: str | None) -> str:
    """Commands of ``az``."""
    named = quote(account) if account else '"$ACCOUNT"'
    container, first = quote(required.bucket), quote(required.origins[0])
    lines = [
        f"# The container of {required.bucket}/{required.prefix}, unless it is there; not public.",
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
        f"    --origins {' '.join(map(quote, required.origins))} \\",
        f"    --allowed-headers '*' --max-age {CORS_SECONDS}",
        "",
        "# Whoever has no key of the account (az login, a managed identity): this container only.",
        f"SCOPE=$(az storage account show --name {named} --query id --output tsv)",
        f'az role assignment create --role "{ROLE}" --assignee "$ASSIGNEE" \\',
        f'  --scope "$SCOPE/blobServices/default/containers/"{container}',
    ]
    return text_of(lines)
