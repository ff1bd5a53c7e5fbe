"""Sets up a container of Azure Blob Storage."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import (
    BlobSasPermissions,
    BlobServiceClient,
    CorsRule,
    ExponentialRetry,
    generate_blob_sas,
)

from annolooop.storage.clouds.azure.by_hand import ROLE
from annolooop.storage.clouds.azure.credentials import CHAIN, CONNECT, AzureAccess, resolve_access
from annolooop.storage.clouds.provisioning import (
    Administration,
    Found,
    Note,
    SetupPart,
    UnsupportedError,
)
from annolooop.storage.clouds.requirements import (
    CORS_SECONDS,
    METHODS,
    Requirements,
    missing_origins,
)

RULES = 5  # CORS rules that an account may have
OBJECTS_TO_COUNT = 5000


class AzureAdministration(Administration):
    """Of one container.

    Raises:
        ConfigError: there are no valid credentials.
    """

    failures = (AzureError,)
    cli = "azure"

    def __init__(self, access: AzureAccess, required: Requirements) -> None:
        super().__init__(required)
        self.access = resolve_access(access)
        self.client = self._client()
        self.container = self.client.get_container_client(required.bucket)

    def _client(self) -> BlobServiceClient:
        access = self.access
        credential: Any
        if access.sas_token:
            credential = AzureSasCredential(access.sas_token)
        elif access.account_key:
            credential = AzureNamedKeyCredential(access.account or "", access.account_key)
        else:
            credential = DefaultAzureCredential(**CHAIN)
        # The client's own waits for 15 seconds before the second try.
        retry = ExponentialRetry(initial_backoff=1, retry_total=1, random_jitter_range=1)
        return BlobServiceClient(
            access.address, credential=credential, retry_policy=retry, connection_timeout=CONNECT
        )

    def parts(self) -> Sequence[SetupPart]:
        return [_Container(self), _Private(self), _Cors(self), _Role(self)]

    def explain(self, error: Exception) -> tuple[str, str]:
        code = str(getattr(error, "error_code", None) or getattr(error, "reason", "") or "")
        if isinstance(error, ResourceNotFoundError):
            return "the container is not there", ""
        if isinstance(error, HttpResponseError) and error.status_code in (401, 403):
            return f"the credentials do not allow it ({code})", ""
        if isinstance(error, ServiceRequestError):
            return "it does not answer", "Check the account's name and the network."
        if type(error) is AzureError:  # raised here
            return str(error), "Remove one that nobody needs: az storage cors list --services b"
        return code or type(error).__name__, ""

    def is_missing(self) -> bool:
        try:
            next(iter(self.container.list_blob_names(results_per_page=1)), None)
        except ResourceNotFoundError:
            return True
        return False

    def signed(self, key: str, seconds: int) -> str:
        account_key = self.access.account_key
        if not account_key:
            raise UnsupportedError("only the key of the account can sign addresses")
        signature = generate_blob_sas(
            str(self.access.account),
            self.required.bucket,
            key,
            account_key=account_key,
            permission=BlobSasPermissions(read=True),
            expiry=datetime.now(timezone.utc) + timedelta(seconds=seconds),
        )
        return f"{self.address(key)}?{signature}"

    def address(self, key: str) -> str:
        return str(self.container.get_blob_client(key).url).partition("?")[0]

    def expires(self) -> datetime | None:
        signature = self.access.sas_token
        if not signature:
            return None
        end = parse_qs(signature.lstrip("?")).get("se", [""])[0]
        try:
            until = datetime.fromisoformat(end.replace("Z", "+00:00"))
        except ValueError:
            return None
        return until if until.tzinfo else until.replace(tzinfo=timezone.utc)

    def count(self) -> int:
        total = 0
        for _ in self.container.list_blob_names():
            total += 1
            if total >= OBJECTS_TO_COUNT:
                break
        return total

    def remove_bucket(self) -> None:
        with suppress(ResourceNotFoundError):
            self.container.delete_container()

    @property
    def removing(self) -> str:
        return (
            f"az storage container delete --account-name {self.access.account} "
            f"--name {self.required.bucket}"
        )


class _AzurePart(SetupPart):
    def __init__(self, of: AzureAdministration) -> None:
        self.of = of
        self.container = of.container


class _Container(_AzurePart):
    name = "bucket"
    right = "the right to create containers"

    def look(self) -> Found:
        name = self.of.required.bucket
        if self.of.is_missing():
            return Found(False, f"make the container {name}, not public")
        return Found(True, f"{name} is there")

    def make(self) -> Note | None:
        try:
            self.container.create_container()
        except ResourceExistsError:
            return None  # someone was faster
        return {"name": self.of.required.bucket}


class _Private(_AzurePart):
    name = "private"
    right = "the key of the account"

    def look(self) -> Found:
        if self._level() is None:
            return Found(True, "the container is not public")
        return Found(False, "let nobody read the container without a key")

    def make(self) -> Note | None:
        kept = self.container.get_container_access_policy()["signed_identifiers"]
        self.container.set_container_access_policy({one.id: one.access_policy for one in kept})
        return None  # stays: taking it back would open the container

    def _level(self) -> Any:
        try:
            return self.container.get_container_properties().public_access
        except ResourceNotFoundError:
            return None  # one that is made is not public


class _Cors(_AzurePart):
    """Rules belong to the whole account, and there are five at most."""

    name = "cors"
    right = "the key of the account, or the role Storage Account Contributor"

    def look(self) -> Found:
        missing = self._missing(self._rules())
        if missing:
            pages = ", ".join(missing)
            detail = f"let {pages} read by signed addresses (CORS), in all of the account"
            return Found(False, detail)
        return Found(True, f"{', '.join(self.of.required.origins)} may read")

    def make(self) -> Note | None:
        rules = self._rules()
        missing = self._missing(rules)
        if len(rules) >= RULES:
            raise AzureError(f"the account has {RULES} CORS rules already, which is all it may")
        made = CorsRule(
            list(missing), list(METHODS), allowed_headers=["*"], max_age_in_seconds=CORS_SECONDS
        )
        self.of.client.set_service_properties(cors=[*rules, made])
        return {"rules": [_key(made)], "origins": list(missing)}

    def removes(self, note: Note) -> str:
        return f"the account's CORS rule for {', '.join(note['origins'])}"

    def remove(self, note: Note) -> None:
        kept = [rule for rule in self._rules() if _key(rule) not in note["rules"]]
        self.of.client.set_service_properties(cors=kept)

    def _rules(self) -> list[CorsRule]:
        return list(self.of.client.get_service_properties()["cors"])

    def _missing(self, rules: Sequence[CorsRule]) -> tuple[str, ...]:
        known = [(_split(r.allowed_origins), _split(r.allowed_methods)) for r in rules]
        return missing_origins(self.of.required.origins, known)


def _split(value: Any) -> list[str]:
    """The client gives a list as one text."""
    return [part.strip() for part in str(value).split(",")]


def _key(rule: CorsRule) -> str:
    """Tells a rule from others."""
    parts = (rule.allowed_origins, rule.allowed_methods, rule.allowed_headers)
    return " ".join([*map(str, parts), str(rule.max_age_in_seconds)])


class _Role(_AzurePart):
    name = "policy"
    right = ""

    def look(self) -> Found:
        raise UnsupportedError(
            "an account without the key needs a role, which the owner of the storage account "
            f'gives: az role assignment create --role "{ROLE}" (all of it: annoloop storage '
            "setup --print azure)"
        )

    def make(self) -> Note | None:
        return None
