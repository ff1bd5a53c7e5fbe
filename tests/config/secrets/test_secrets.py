"""Secrets of the stack file that AWS, Google or Azure keep.

AWS is moto's server. For Google and Azure, and for what moto never says, there is a fake
(``fake_clouds``), as no server that one can run speaks their interfaces; the libraries that talk to
it are the real ones, and find credentials by themselves.
"""

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from botocore.session import Session
from moto.server import ThreadedMotoServer
from support.project import Project
from support.secret_managers import FakeClouds, fake_clouds

from annolooop.config.load import LoadedStack, load_stack
from annolooop.config.secrets import failed
from annolooop.errors import AnnoloopError, ConfigError, UnreachableError

SECRET = "s3cr3t-value"
DOCUMENT = f'{{"key": "{SECRET}", "number": 12.50, "none": null}}'
FOR_A_WHOLE_ONE = ("aws-secret:team/labels", "gcp-secret:lab/labels", "azure-secret:{vault}/labels")
LOGGED = ("botocore", "google.auth", "google.api_core", "azure")


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ca") / "ca.pem"


@pytest.fixture(scope="module")
def started(ca: Path) -> Iterator[FakeClouds]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca))
    with fake_clouds(authority) as clouds:
        yield clouds


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of moto's manager of secrets, with some in it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = client_of(url, "secretsmanager")
    client.create_secret(Name="json", SecretString=DOCUMENT)
    client.create_secret(Name="plain", SecretString=f"{SECRET}\n")
    client.create_secret(Name="binary", SecretBinary=b"\xff" + SECRET.encode())
    client.create_secret(Name="deleted", SecretString=SECRET)
    client.delete_secret(SecretId="deleted")
    yield url
    server.stop()


def client_of(url: str, service: str) -> Any:
    return Session().create_client(
        service,
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="AKIDTEST",
        aws_secret_access_key="SECRETTEST",
    )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """One without credentials, where the servers that only machines of a cloud have are not there.

    (That Google's is not, is said in conftest, as its library reads that once.)
    """
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("HOME", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    levels = {name: logging.getLogger(name).level for name in LOGGED}
    yield monkeypatch
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def clouds(
    started: FakeClouds, ca: Path, tmp_path: Path, machine: pytest.MonkeyPatch
) -> FakeClouds:
    """The fake, on a machine with credentials for it."""
    started.reset()
    (tmp_path / "token").write_text("x")
    login = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/locations/global/workforcePools/a/providers/b",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{started.url}/token",
        "credential_source": {"file": str(tmp_path / "token")},
    }
    (tmp_path / "login.json").write_text(json.dumps(login))
    for name, value in {
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "login.json"),
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER": f"{started.url}/",
        "AZURE_AUTHORITY_HOST": f"https://{started.vault}",
        "AZURE_TENANT_ID": "adfs",
        "AZURE_CLIENT_ID": "x",
        "AZURE_CLIENT_SECRET": "x",
        "REQUESTS_CA_BUNDLE": str(ca),
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": started.url,
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "SECRETTEST",
    }.items():
        machine.setenv(name, value)
    return started


@pytest.fixture
def aws(moto: str, machine: pytest.MonkeyPatch) -> str:
    """moto's manager of secrets, on a machine with credentials for it."""
    machine.setenv("AWS_ENDPOINT_URL", moto)
    machine.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    machine.setenv("AWS_SECRET_ACCESS_KEY", "SECRETTEST")
    return moto


def load(folder: Path, key: str, weights: str = "", shallow: bool = False) -> LoadedStack:
    file = folder / "annoloop.yaml"
    model = f"model:\n  weights: ${{{weights}}}\n" if weights else ""
    file.write_text(f"label_studio:\n  api_key: ${{{key}}}\n  url: http://x\n{model}")
    return load_stack(str(file), environ={}, shallow=shallow)


def value_of(folder: Path, reference: str) -> str:
    key = load(folder, reference).config.label_studio.api_key
    assert key
    return key.get_secret_value()


def refused(folder: Path, reference: str, kind: type[AnnoloopError] = ConfigError) -> AnnoloopError:
    with pytest.raises(kind) as caught:
        load(folder, reference)
    start = f"annoloop.yaml:2: label_studio.api_key: ${{{reference}}}: "
    assert start in caught.value.message
    assert caught.value.hint
    assert SECRET not in caught.value.message + caught.value.hint
    return caught.value


def test_secret_of_aws_and_a_key_of_one_are_filled_in(tmp_path: Path, aws: str) -> None:
    arn = client_of(aws, "secretsmanager").describe_secret(SecretId="json")["ARN"]
    assert value_of(tmp_path, "aws-secret:plain") == SECRET
    assert value_of(tmp_path, "aws-secret:json#key") == SECRET
    assert value_of(tmp_path, f"aws-secret:{arn}#number") == "12.50"


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("gone", "no such secret", "aws secretsmanager list-secrets"),
        ("deleted", "deleted", "Restore it"),
        ("binary", "not text", "base64"),
        ("plain#key", "not a JSON object", "#"),
        ("json#other", "no such key", "add the key"),
        ("json#none", "not text", "Name a key"),
        ("json#", "names no secret", "${aws-secret:NAME#key}"),
        ("a b", "names no secret", "${aws-secret:NAME}"),
    ],
)
def test_secret_that_aws_does_not_have_is_told(
    tmp_path: Path, aws: str, name: str, reason: str, hint: str
) -> None:
    error = refused(tmp_path, f"aws-secret:{name}")
    assert reason in error.message
    assert hint in error.hint


def test_who_may_not_read_the_secret_of_aws_is_told_what_to_allow(
    tmp_path: Path, aws: str, machine: pytest.MonkeyPatch
) -> None:
    iam = client_of(aws, "iam")
    iam.create_user(UserName="me")
    key = iam.create_access_key(UserName="me")["AccessKey"]
    machine.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    machine.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    httpx.post(f"{aws}/moto-api/reset-auth", content="0")
    try:
        error = refused(tmp_path, "aws-secret:plain")
    finally:
        httpx.post(f"{aws}/moto-api/reset-auth", content="inf")
    assert "access is refused" in error.message
    assert "secretsmanager:GetSecretValue" in error.hint


@pytest.mark.parametrize(
    ("variable", "value", "reason", "hint"),
    [
        ("AWS_PROFILE", "nobody", "(ProfileNotFound)", "AWS_PROFILE"),
        ("AWS_DEFAULT_REGION", None, "no region", "AWS_DEFAULT_REGION"),
        ("AWS_DEFAULT_REGION", "eu west 1", "no region", "AWS_DEFAULT_REGION"),
        ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z", "have expired", "aws sso login"),
    ],
)
def test_what_the_aws_configuration_lacks_is_told(
    tmp_path: Path,
    aws: str,
    machine: pytest.MonkeyPatch,
    variable: str,
    value: str | None,
    reason: str,
    hint: str,
) -> None:
    machine.setenv("AWS_SESSION_TOKEN", "x")
    machine.setenv(variable, value) if value else machine.delenv(variable)
    error = refused(tmp_path, "aws-secret:plain")
    assert reason in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("code", "status", "reason", "kind"),
    [
        ("ExpiredTokenException", 400, "wrong or have expired (ExpiredTokenE", ConfigError),
        ("UnrecognizedClientException", 400, "wrong or have expired (Unrecognized", ConfigError),
        ("AccessDeniedException", 400, "access is refused (AccessDenied", ConfigError),
        ("ThrottlingException", 400, "does not answer (ThrottlingException)", UnreachableError),
    ],
)
def test_each_refusal_of_aws_has_its_reason(
    tmp_path: Path, clouds: FakeClouds, code: str, status: int, reason: str, kind: Any
) -> None:
    clouds.answers["/"] = (status, {"__type": code, "message": f"the signature {SECRET}"})
    assert reason in refused(tmp_path, "aws-secret:plain", kind).message


def test_secret_of_gcp_is_the_latest_or_a_version(tmp_path: Path, clouds: FakeClouds) -> None:
    clouds.put_gcp("projects/lab/secrets/labels/versions/latest", DOCUMENT.encode())
    clouds.put_gcp("projects/lab/secrets/labels/versions/3", f"{SECRET}\n".encode())
    assert value_of(tmp_path, "gcp-secret:lab/labels#key") == SECRET
    assert value_of(tmp_path, "gcp-secret:lab/labels/3") == SECRET


def test_secret_of_azure_is_filled_in(tmp_path: Path, clouds: FakeClouds) -> None:
    clouds.put_azure("plain", SECRET)
    clouds.put_azure("labels", DOCUMENT)
    assert value_of(tmp_path, f"azure-secret:{clouds.vault}/plain") == SECRET
    assert value_of(tmp_path, f"azure-secret:{clouds.vault}/labels#key") == SECRET


GOOGLE = "/v1/projects/lab/secrets/labels/versions/latest:access"
DISABLED = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}


@pytest.mark.parametrize(
    ("status", "message", "reason", "hint"),
    [
        (404, {"status": "NOT_FOUND"}, "no such secret", "gcloud secrets list --project lab"),
        (403, {"status": "PERMISSION_DENIED"}, "access is refused", "secretmanager.secretAccessor"),
        (403, {"details": [DISABLED]}, "switched off", "gcloud services enable"),
        (400, {"status": "FAILED_PRECONDITION"}, "disabled or deleted", "Restore it"),
        (401, {"status": "UNAUTHENTICATED"}, "wrong or have expired", "gcloud auth"),
        (503, {"status": "UNAVAILABLE"}, "does not answer", "network"),
    ],
)
def test_each_refusal_of_gcp_has_its_reason(
    tmp_path: Path, clouds: FakeClouds, status: int, message: Any, reason: str, hint: str
) -> None:
    clouds.answers[GOOGLE] = (status, {"error": {"code": status, "message": SECRET, **message}})
    kind = UnreachableError if status == 503 else ConfigError
    error = refused(tmp_path, "gcp-secret:lab/labels", kind)
    assert reason in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("status", "message", "reason", "hint"),
    [
        (404, {"code": "SecretNotFound"}, "no such secret", "az keyvault secret list"),
        (403, {"innererror": {"code": "ForbiddenByRbac"}}, "(ForbiddenByRbac)", "Secrets User"),
        (403, {"innererror": {"code": "SecretDisabled"}}, "disabled or deleted", "Restore it"),
        (401, {"code": "Unauthorized"}, "wrong or have expired", "az login"),
        (500, {"code": "InternalError"}, "does not answer (HTTP 500)", "network"),
    ],
)
def test_each_refusal_of_azure_has_its_reason(
    tmp_path: Path, clouds: FakeClouds, status: int, message: Any, reason: str, hint: str
) -> None:
    clouds.answers["/secrets/labels/"] = (status, {"error": {"message": SECRET, **message}})
    kind = UnreachableError if status == 500 else ConfigError
    error = refused(tmp_path, f"azure-secret:{clouds.vault}/labels", kind)
    assert reason in error.message
    assert hint in error.hint


@pytest.mark.parametrize("reference", FOR_A_WHOLE_ONE)
def test_secret_that_is_named_twice_is_fetched_once(
    tmp_path: Path, clouds: FakeClouds, reference: str
) -> None:
    clouds.answers["/"] = (200, {"SecretString": DOCUMENT})
    clouds.put_gcp("projects/lab/secrets/labels/versions/latest", DOCUMENT.encode())
    clouds.put_azure("labels", DOCUMENT)
    name = reference.format(vault=clouds.vault)
    loaded = load(tmp_path, f"{name}#key", f"{name}#number")
    assert loaded.config.model.weights == "12.50"
    assert len(clouds.asked) == 1
    shown = {s.key: (s.value, s.origin) for s in loaded.settings}
    assert shown["model.weights"] == ("********", f"{name}#number")


@pytest.mark.parametrize("reference", FOR_A_WHOLE_ONE)
def test_machine_without_credentials_is_told_how_to_get_some(
    tmp_path: Path,
    started: FakeClouds,
    ca: Path,
    machine: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reference: str,
) -> None:
    machine.setenv("REQUESTS_CA_BUNDLE", str(ca))
    error = refused(tmp_path, reference.format(vault=started.vault))
    assert "this machine has no credentials" in error.message
    assert "login" in error.hint
    assert caplog.text == ""


def test_google_key_file_that_is_not_there_is_no_lack_of_a_login(
    tmp_path: Path, machine: pytest.MonkeyPatch
) -> None:
    machine.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gone.json"))
    error = refused(tmp_path, "gcp-secret:lab/labels")
    assert "are wrong or have expired (GOOGLE_APPLICATION_CREDENTIALS)" in error.message


@pytest.mark.parametrize("reference", FOR_A_WHOLE_ONE[1:])
def test_credentials_that_are_refused_are_told(
    tmp_path: Path, clouds: FakeClouds, reference: str
) -> None:
    message = {"error": "invalid_grant", "error_description": f"AADSTS7000215: {SECRET}"}
    clouds.tokens = (400, message)
    error = refused(tmp_path, reference.format(vault=clouds.vault))
    assert "the credentials of this machine are wrong or have expired (" in error.message
    assert "login" in error.hint


@pytest.mark.parametrize("reference", FOR_A_WHOLE_ONE)
def test_cloud_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, clouds: FakeClouds, machine: pytest.MonkeyPatch, reference: str
) -> None:
    machine.setattr(failed, "CONNECT_SECONDS", 0.2)
    machine.setattr(failed, "READ_SECONDS", 0.2)
    machine.setattr(failed, "ALL_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        address = f"127.0.0.1:{deaf.getsockname()[1]}"
        machine.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://{address}")
        machine.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", f"http://{address}")
        error = refused(tmp_path, reference.format(vault=address), UnreachableError)
    assert "does not answer" in error.message


@pytest.mark.parametrize(
    ("reference", "package"),
    [
        (FOR_A_WHOLE_ONE[0], "botocore"),
        (FOR_A_WHOLE_ONE[1], "google.cloud.secretmanager_v1"),
        (FOR_A_WHOLE_ONE[2], "azure.keyvault.secrets"),
    ],
)
def test_missing_extra_of_a_cloud_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, package: str
) -> None:
    kind = reference.partition(":")[0]
    monkeypatch.delitem(
        sys.modules, f"annolooop.config.secrets.{kind.removesuffix('-secret')}", raising=False
    )
    monkeypatch.setitem(sys.modules, package, None)
    error = refused(tmp_path, reference.format(vault="lab"))
    assert error.hint == f"Install it: pip install 'annolooop[{kind}s]'"
    # Neither is it needed where no secrets are looked at, as for Tab.
    load(tmp_path, reference.format(vault="lab"), shallow=True)


@pytest.mark.slow
def test_secret_of_a_cloud_is_masked_by_stack_show(tmp_path: Path, aws: str) -> None:
    project = Project(tmp_path, {"model": {"weights": "${aws-secret:plain}"}})
    for mode in ([], ["--json"]):
        shown = project.run("stack", "show", "-v", *mode)
        assert "aws-secret:plain" in shown.stdout
        assert SECRET not in shown.stdout + shown.stderr
