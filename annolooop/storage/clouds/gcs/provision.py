"""Sets up a bucket of Google Cloud Storage."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import google.auth
from google.api_core.exceptions import Conflict, Forbidden, GoogleAPIError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2 import service_account
from requests.exceptions import RequestException

from annolooop.errors import ConfigError
from annolooop.storage.clouds.gcs.credentials import NOT_FOUND, GCSAccess
from annolooop.storage.clouds.gcs.rules import ROLES, cors_rule
from annolooop.storage.clouds.provisioning import (
    Administration,
    Found,
    Note,
    SetupPart,
    UnsupportedError,
)
from annolooop.storage.clouds.requirements import Requirements, missing_origins

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
OBJECTS_TO_COUNT = 5000
# The client's own goes on for two minutes where nobody answers.
LIMITS: Mapping[str, Any] = {"timeout": 20, "retry": DEFAULT_RETRY.with_timeout(5)}


class GCSAdministration(Administration):
    """Of one bucket.

    Raises:
        ConfigError: there are no credentials.
    """

    failures = (GoogleAPIError, GoogleAuthError, RequestException)
    cli = "gcp"

    def __init__(self, access: GCSAccess, required: Requirements) -> None:
        super().__init__(required)
        self.access = access
        info = json.loads(access.service_account) if access.service_account else {}
        self.email: str | None = info.get("client_email")
        try:
            if info:
                made = service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])
            elif access.endpoint:
                made = AnonymousCredentials()
            else:
                made, _ = google.auth.default(scopes=[SCOPE])
        except GoogleAuthError as error:
            fix = "Set gcs.credentials, or type: gcloud auth application-default login"
            missing = str(error.args[0]).startswith(NOT_FOUND)
            detail = "" if missing else f" ({error.args[0]})"
            raise ConfigError(f"gcs: there are no credentials{detail}", fix) from error
        options = {"api_endpoint": access.endpoint} if access.endpoint else None
        project = access.project or info.get("project_id") or (access.endpoint and "none") or None
        self.client = Client(project=project, credentials=made, client_options=options)
        try:
            self.bucket = self.client.bucket(required.bucket)
        except ValueError as error:
            raise ConfigError(
                f"store.url: {required.bucket} is not the name of a bucket: {error}",
                "Correct store.url.",
            ) from error

    def parts(self) -> Sequence[SetupPart]:
        return [_Bucket(self), _Private(self), _Cors(self), _Binding(self)]

    def explain(self, error: Exception) -> tuple[str, str]:
        if isinstance(error, NotFound):
            return "the bucket is not there", ""
        if isinstance(error, Forbidden):
            return f"the credentials do not allow it ({error.message.rpartition(': ')[2]})", ""
        if isinstance(error, Conflict):
            return "someone else has a bucket of this name", "Choose another name."
        if isinstance(error, GoogleAuthError):
            return f"the credentials are refused ({error.args[0]})", "Check gcs.credentials."
        if isinstance(error, RequestException):
            return "it does not answer", "Check gcs.endpoint and the network."
        return getattr(error, "message", None) or str(error), ""

    def is_missing(self) -> bool:
        # Of its objects, not of itself: the role to use objects says nothing about the bucket.
        try:
            next(iter(self.client.list_blobs(self.bucket, max_results=1, **LIMITS)), None)
        except NotFound:
            return True
        return False

    def signed(self, key: str, seconds: int) -> str:
        if not self.access.service_account:
            raise UnsupportedError("only the key of a service account can sign addresses")
        at = {"api_access_endpoint": self.access.endpoint} if self.access.endpoint else {}
        blob = self.bucket.blob(key)
        lasting = timedelta(seconds=seconds)
        return str(blob.generate_signed_url(lasting, version="v4", method="GET", **at))

    def address(self, key: str) -> str:
        url: str = self.bucket.blob(key).public_url
        if self.access.endpoint:
            url = f"{self.access.endpoint}/{self.required.bucket}/{url.split('/', 4)[4]}"
        return url

    def expires(self) -> datetime | None:
        return None  # tokens of a key or a login are renewed when they end

    def count(self) -> int:
        blobs = self.client.list_blobs(
            self.bucket, versions=True, max_results=OBJECTS_TO_COUNT, **LIMITS
        )
        return sum(1 for _ in blobs)

    def remove_bucket(self) -> None:
        self.bucket.delete(**LIMITS)

    @property
    def removing(self) -> str:
        return f"gcloud storage rm --recursive gs://{self.required.bucket}"

    def unkept(self, what: str) -> UnsupportedError:
        return UnsupportedError(f"the server at {self.access.endpoint} keeps no {what}")


class _GCSPart(SetupPart):
    def __init__(self, of: GCSAdministration) -> None:
        self.of = of
        self.bucket = of.bucket

    def load(self) -> bool:
        """Whether there is a bucket; its settings are read."""
        try:
            self.bucket.reload(**LIMITS)
        except NotFound:
            return False
        return True


class _Bucket(_GCSPart):
    name = "bucket"
    right = "storage.buckets.create"

    def look(self) -> Found:
        name = self.of.required.bucket
        if self.of.is_missing():
            place = f" in {self.of.required.place}" if self.of.required.place else ""
            return Found(False, f"make the bucket {name}{place}")
        return Found(True, f"{name} is there")

    def make(self) -> Note | None:
        configuration = self.bucket.iam_configuration
        configuration.uniform_bucket_level_access_enabled = True
        configuration.public_access_prevention = "enforced"
        self.bucket.create(location=self.of.required.place, **LIMITS)
        return {"name": self.of.required.bucket}


class _Private(_GCSPart):
    name = "private"
    right = "storage.buckets.get, storage.buckets.update"

    def look(self) -> Found:
        if self.load() and self._is_private():
            return Found(True, "public access is prevented")
        return Found(False, "prevent public access, and let access be the same for all objects")

    def make(self) -> Note | None:
        configuration = self.bucket.iam_configuration
        configuration.uniform_bucket_level_access_enabled = True
        configuration.public_access_prevention = "enforced"
        self.bucket.patch(**LIMITS)
        if self.of.access.endpoint and not (self.load() and self._is_private()):
            raise self.of.unkept("such setting")
        return None  # stays: taking it back would open the bucket

    def _is_private(self) -> bool:
        configuration = self.bucket.iam_configuration
        return bool(
            configuration.uniform_bucket_level_access_enabled
            and configuration.public_access_prevention == "enforced"
        )


class _Cors(_GCSPart):
    name = "cors"
    right = "storage.buckets.get, storage.buckets.update"

    def look(self) -> Found:
        missing = self._missing()
        if missing:
            return Found(False, f"let {', '.join(missing)} read by signed addresses (CORS)")
        return Found(True, f"{', '.join(self.of.required.origins)} may read")

    def make(self) -> Note | None:
        missing = self._missing()
        rule = cors_rule(missing)
        self._put([*self.bucket.cors, rule])
        if self.of.access.endpoint and self._missing():
            raise self.of.unkept("CORS rules of a bucket")
        return {"rules": [rule], "origins": list(missing)}

    def removes(self, note: Note) -> str:
        return f"the CORS rule for {', '.join(note['origins'])}"

    def remove(self, note: Note) -> None:
        if self.load():
            self._put([rule for rule in self.bucket.cors if rule not in note["rules"]])

    def _missing(self) -> tuple[str, ...]:
        known = self.bucket.cors if self.load() else []
        rules = [(r.get("origin", ()), r.get("method", ())) for r in known]
        return missing_origins(self.of.required.origins, rules)

    def _put(self, rules: list[dict[str, Any]]) -> None:
        self.bucket.cors = rules
        # Fails if someone else changed the bucket since it was read.
        self.bucket.patch(**LIMITS, if_metageneration_match=self.bucket.metageneration)


class _Binding(_GCSPart):
    name = "policy"
    right = "storage.buckets.getIamPolicy, storage.buckets.setIamPolicy"

    def look(self) -> Found:
        member = self._member()
        missing = self._missing(self._policy(), member)
        if missing:
            return Found(False, f"give {member} {', '.join(missing)} on this bucket only")
        return Found(True, f"{member} has {', '.join(ROLES)}")

    def make(self) -> Note | None:
        member, policy = self._member(), self._policy()
        missing = self._missing(policy, member)
        if policy is None:
            raise NotFound("the bucket is not there")
        policy.bindings += [{"role": role, "members": {member}} for role in missing]
        self.bucket.set_iam_policy(policy, **LIMITS)
        if self.of.access.endpoint and self._missing(self._policy(), member):
            raise self.of.unkept("rights")
        return {"member": member, "roles": list(missing)}

    def removes(self, note: Note) -> str:
        return f"{', '.join(note['roles'])} of {note['member']}"

    def remove(self, note: Note) -> None:
        policy = self._policy()
        if policy is None:
            return
        for binding in policy.bindings:
            if binding["role"] in note["roles"] and not binding.get("condition"):
                binding["members"] = set(binding["members"]) - {note["member"]}
        policy.bindings = [binding for binding in policy.bindings if binding["members"]]
        self.bucket.set_iam_policy(policy, **LIMITS)

    def _member(self) -> str:
        if not self.of.email:
            raise UnsupportedError(
                "gcs.credentials does not name a service account: the account in use needs "
                f"{ROLES[0]} on the bucket"
            )
        return f"serviceAccount:{self.of.email}"

    def _policy(self) -> Any:
        try:
            return self.bucket.get_iam_policy(requested_policy_version=3, **LIMITS)
        except NotFound as error:
            if self.of.access.endpoint and not self.of.is_missing():
                raise self.of.unkept("rights") from error
            return None
        except GoogleAPIError as error:
            if self.of.access.endpoint and not isinstance(error, Forbidden):
                raise self.of.unkept("rights") from error
            raise

    def _missing(self, policy: Any, member: str) -> list[str]:
        has = {
            b["role"]
            for b in (policy.bindings if policy else ())
            if member in b["members"] and not b.get("condition")
        }
        return [role for role in ROLES if role not in has]
