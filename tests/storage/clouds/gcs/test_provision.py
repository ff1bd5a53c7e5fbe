"""Parts around a bucket of Google's, with a bucket that only remembers."""

from types import SimpleNamespace
from typing import Any

import pytest
from google.api_core.exceptions import Conflict, Forbidden, NotFound

from annolooop.storage.clouds.gcs.credentials import GCSAccess
from annolooop.storage.clouds.gcs.provision import GCSAdministration
from annolooop.storage.clouds.gcs.rules import ROLES
from annolooop.storage.clouds.provisioning import SetupPart, UnsupportedError
from annolooop.storage.clouds.requirements import Requirements

HERE = "http://localhost:8085"
ACCOUNT = "a@p.example"


class Bucket:
    """A bucket that keeps what it is told; ``forgets`` as some servers do."""

    def __init__(self, there: bool = True, forgets: bool = False) -> None:
        self.there, self.forgets = there, forgets
        self.metageneration = 1
        self.iam_configuration = SimpleNamespace(
            uniform_bucket_level_access_enabled=False, public_access_prevention="inherited"
        )
        self.cors: list[dict[str, Any]] = []
        self.policy = SimpleNamespace(bindings=[])
        self.location: str | None = None

    def reload(self, **given: Any) -> None:
        if not self.there:
            raise NotFound("no bucket")
        if self.forgets:
            self.cors = []

    def patch(self, **given: Any) -> None:
        self.metageneration += 1

    def create(self, location: str | None = None, **given: Any) -> None:
        self.there, self.location = True, location

    def get_iam_policy(self, **given: Any) -> Any:
        if not self.there:
            raise NotFound("no bucket")
        return self.policy

    def set_iam_policy(self, policy: Any, **given: Any) -> None:
        self.policy = policy


def parts_of(
    bucket: Bucket, endpoint: str | None = "http://127.0.0.1:9", email: str | None = ACCOUNT
) -> dict[str, SetupPart]:
    required = Requirements("lab", "x", (HERE,), "europe-west3")
    admin = GCSAdministration(GCSAccess("http://127.0.0.1:9", "p"), required)
    admin.access = GCSAccess(endpoint, "p")
    admin.bucket, admin.email = bucket, email  # type: ignore[assignment]
    admin.client = SimpleNamespace(list_blobs=lambda *given, **more: bucket.reload() or [])  # type: ignore[assignment]
    return {part.name: part for part in admin.parts()}


def test_bucket_is_made_private_and_where_it_belongs() -> None:
    bucket = Bucket(there=False)
    part = parts_of(bucket)["bucket"]
    assert part.look().detail == "make the bucket lab in europe-west3"
    assert part.make() == {"name": "lab"}
    assert part.look().done
    assert bucket.location == "europe-west3"
    assert bucket.iam_configuration.public_access_prevention == "enforced"


def test_public_access_is_prevented() -> None:
    part = parts_of(Bucket())["private"]
    assert not part.look().done
    assert part.make() is None
    assert part.look().done


def test_rule_for_pages_is_added_and_removed() -> None:
    bucket = Bucket()
    other = {"origin": ["https://other.example"], "method": ["GET"]}
    bucket.cors = [other]
    part = parts_of(bucket)["cors"]
    note = part.make()
    assert note
    assert part.look().done
    assert bucket.cors[0] == other
    part.remove(note)
    assert bucket.cors == [other]


def test_server_that_keeps_no_rules_says_so() -> None:
    with pytest.raises(UnsupportedError, match="keeps no CORS rules"):
        parts_of(Bucket(forgets=True))["cors"].make()


def test_service_account_gets_the_roles_that_it_lacks() -> None:
    bucket = Bucket()
    member = f"serviceAccount:{ACCOUNT}"
    bucket.policy.bindings = [{"role": ROLES[0], "members": {member}}]
    part = parts_of(bucket)["policy"]
    assert part.look().detail.startswith(f"give {member} {ROLES[1]}")
    assert part.make() == {"member": member, "roles": [ROLES[1]]}
    assert part.look().done


def test_role_under_a_condition_does_not_count() -> None:
    bucket = Bucket()
    member = f"serviceAccount:{ACCOUNT}"
    bucket.policy.bindings = [
        {"role": role, "members": {member}, "condition": "until noon"} for role in ROLES
    ]
    assert not parts_of(bucket)["policy"].look().done


def test_only_the_noted_roles_are_taken_back() -> None:
    bucket = Bucket()
    part = parts_of(bucket)["policy"]
    note = part.make()
    assert note
    bucket.policy.bindings.append({"role": "roles/viewer", "members": {note["member"]}})
    part.remove(note)
    assert bucket.policy.bindings == [{"role": "roles/viewer", "members": {note["member"]}}]


def test_credentials_without_a_service_account_need_the_role_by_hand() -> None:
    with pytest.raises(UnsupportedError, match=ROLES[0]):
        parts_of(Bucket(), email=None)["policy"].look()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NotFound("x"), "the bucket is not there"),
        (Forbidden("x: you may not"), "the credentials do not allow it (you may not)"),
        (Conflict("x"), "someone else has a bucket of this name"),
    ],
)
def test_errors_are_explained(error: Exception, message: str) -> None:
    access = GCSAccess("http://127.0.0.1:9", "p")
    admin = GCSAdministration(access, Requirements("lab", "x", ()))
    assert admin.explain(error)[0] == message
