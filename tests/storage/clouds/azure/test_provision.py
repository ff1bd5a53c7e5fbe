"""Parts around a container of Azure's, with a client that only remembers."""

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

from annolooop.storage.clouds.azure.credentials import AzureAccess
from annolooop.storage.clouds.azure.provision import RULES, AzureAdministration
from annolooop.storage.clouds.provisioning import SetupPart, UnsupportedError
from annolooop.storage.clouds.requirements import Requirements

HERE = "http://localhost:8085"
KEY = "b3RoZXI="


class Container:
    """A container that keeps what it is told."""

    def __init__(self, there: bool = True, public: str | None = None) -> None:
        self.there, self.public = there, public

    def list_blob_names(self, **given: Any) -> list[str]:
        if not self.there:
            raise ResourceNotFoundError("no container")
        return []

    def create_container(self) -> None:
        if self.there:
            raise ResourceExistsError("it is there")
        self.there = True

    def get_container_properties(self) -> Any:
        return SimpleNamespace(public_access=self.public)

    def get_container_access_policy(self) -> Any:
        return {"signed_identifiers": []}

    def set_container_access_policy(self, identifiers: Any) -> None:
        self.public = None


class Account:
    """An account that keeps its rules."""

    def __init__(self) -> None:
        self.cors: list[Any] = []

    def get_service_properties(self) -> dict[str, Any]:
        return {"cors": self.cors}

    def set_service_properties(self, cors: list[Any]) -> None:
        self.cors = cors


def admin_of(**given: str) -> AzureAdministration:
    access = AzureAccess(**({"account": "acct", "account_key": KEY} | given))
    return AzureAdministration(access, Requirements("lab", "x", (HERE,)))


def parts_of(container: Container, account: Account | None = None) -> dict[str, SetupPart]:
    admin = admin_of()
    admin.container = container  # type: ignore[assignment]
    admin.client = account or Account()  # type: ignore[assignment]
    return {part.name: part for part in admin.parts()}


def test_container_is_made_where_there_is_none() -> None:
    part = parts_of(Container(there=False))["bucket"]
    assert not part.look().done
    assert part.make() == {"name": "lab"}
    assert part.look().done


def test_container_that_someone_made_meanwhile_is_not_noted() -> None:
    assert parts_of(Container())["bucket"].make() is None


def test_public_container_is_closed() -> None:
    part = parts_of(Container(public="blob"))["private"]
    assert not part.look().done
    part.make()
    assert part.look().done


def test_rule_for_pages_is_added_and_removed() -> None:
    account = Account()
    part = parts_of(Container(), account)["cors"]
    assert not part.look().done
    note = part.make()
    assert note
    assert part.look().done
    assert part.removes(note) == f"the account's CORS rule for {HERE}"
    part.remove(note)
    assert account.cors == []


def test_account_with_all_the_rules_that_it_may_have_says_so() -> None:
    account = Account()
    account.cors = [
        SimpleNamespace(allowed_origins=f"https://{n}.example", allowed_methods="GET,HEAD")
        for n in range(RULES)
    ]
    with pytest.raises(AzureError, match="CORS rules already"):
        parts_of(Container(), account)["cors"].make()


def test_role_is_given_by_the_owner_of_the_account() -> None:
    with pytest.raises(UnsupportedError, match="az role assignment create"):
        parts_of(Container())["policy"].look()


def test_only_the_key_of_the_account_can_sign() -> None:
    signed = admin_of().signed("x/a.jpg", 60)
    assert signed.startswith("https://acct.blob.core.windows.net/lab/x/a.jpg?")
    admin = admin_of(account_key="", sas_token="sv=1&sig=2")
    with pytest.raises(UnsupportedError, match="only the key"):
        admin.signed("x/a.jpg", 60)


def test_signature_says_when_it_ends() -> None:
    until = admin_of(account_key="", sas_token="se=2030-01-02T03:04:05Z&sig=2").expires()
    assert until
    assert until.isoformat() == "2030-01-02T03:04:05+00:00"
    assert admin_of().expires() is None
