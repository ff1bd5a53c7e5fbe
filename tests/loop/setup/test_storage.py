"""Setting up a bucket, checking it, and taking down what was made; without a Label Studio.

Rights are moto's (its extra ``server`` would bring packages of services that are not used here:
flask and flask-cors are what its server needs for these). It checks no credentials by default.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.storage.blob import (
    AccountSasPermissions,
    CorsRule,
    ResourceTypes,
    generate_account_sas,
)
from botocore.session import get_session
from support.bucket_servers import (
    AzureServer,
    GCSServer,
    S3Server,
    azurite,
    fake_gcs,
    moto,
    seaweedfs,
)
from support.project import ROOT, Project

from annolooop.errors import ConfigError
from annolooop.loop.setup.storage import SetupReport, setup
from annolooop.loop.setup.store_check import check_storage
from annolooop.loop.setup.teardown import teardown
from annolooop.storage.clouds.provisioning import NOTE
from annolooop.storage.clouds.s3 import provision as setup_s3

OURS = "http://127.0.0.1:8093"
GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """No page may read a bucket without CORS rules, as on Amazon's S3."""
    folder = tmp_path_factory.mktemp("weed")
    with seaweedfs(folder, origins="http://nobody.example") as server:
        yield server


def on_s3(folder: Path, s3: S3Server, url: str, **more: object) -> Project:
    section = {"endpoint": s3.endpoint, "access_key": s3.key, "secret_key": s3.secret}
    values: dict[str, object] = {
        "store": {"url": url, "images": "presign"},
        "s3": {**section, "region": "us-east-1"},
        **more,
    }
    return Project(folder, values)


def told(report: SetupReport) -> dict[str, str]:
    return {step.name: step.status for step in report.steps}


def checks(project: Project, *overrides: str) -> dict[str, Any]:
    return {check.name: check for check in check_storage(project.stack(*overrides)).checks}


def test_setup_shows_a_plan_and_makes_it_once(tmp_path: Path, s3: S3Server) -> None:
    project = on_s3(tmp_path, s3, "s3://fresh/team a")
    plan = project.run("storage", "setup", code=2)
    assert "make the bucket fresh" in plan.stdout
    assert "annoloop storage setup --yes" in plan.stderr
    assert "fresh" not in str(s3.client().list_buckets()["Buckets"])
    assert "the bucket is not there" in project.run("storage", "check", code=4).stdout
    made = project.json("storage", "setup", "--yes")
    done = {step["name"]: step["status"] for step in made["steps"]}
    assert done == {"bucket": "done", "private": "skip", "cors": "done", "policy": "skip"}
    assert s3.secret not in str(made)
    again = project.json("storage", "setup")
    assert {step["status"] for step in again["steps"]} == {"ok", "skip"}


def test_only_label_studios_pages_may_read_after_setup(tmp_path: Path, s3: S3Server) -> None:
    project = on_s3(tmp_path, s3, "s3://lab/pages")
    before = checks(project)
    assert (before["cors"].status, before["cors"].code) == ("fail", 4)
    assert "annoloop storage setup" in before["cors"].fix
    setup(project.stack(), True)
    found = checks(project)
    assert {check.status for check in found.values()} == {"ok"}, found
    stack = project.stack()
    stack.store.put("a", b"1")
    assert stack.cloud
    url = stack.cloud.administration().signed("pages/a", 60)
    for origin, allowed in ((OURS, OURS), ("http://evil.example", None)):
        answer = httpx.get(url, headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed
    assert [item.key for item in stack.store.walk("doctor")] == []


def test_rules_of_others_stay_and_their_bucket_too(tmp_path: Path, s3: S3Server) -> None:
    client = s3.client()
    client.create_bucket(Bucket="theirs")
    rule = {"ID": "x", "AllowedOrigins": ["https://a.example"], "AllowedMethods": ["PUT"]}
    client.put_bucket_cors(Bucket="theirs", CORSConfiguration={"CORSRules": [rule]})
    project = on_s3(tmp_path, s3, "s3://theirs/part")
    assert told(setup(project.stack(), True))["cors"] == "done"
    # Another port: one rule more of ours, not one rule in its place.
    assert told(setup(project.stack("label_studio.port=8094"), True))["cors"] == "done"
    rules = client.get_bucket_cors(Bucket="theirs")["CORSRules"]
    assert len(rules) == 2
    assert len(rules[1]["AllowedOrigins"]) == 4
    assert told(teardown(project.stack(), True)) == {"cors": "done"}
    (left,) = client.get_bucket_cors(Bucket="theirs")["CORSRules"]
    assert left["AllowedOrigins"] == ["https://a.example"]
    assert "Contents" not in client.list_objects_v2(Bucket="theirs")


def test_teardown_never_deletes_objects(tmp_path: Path, s3: S3Server) -> None:
    project = on_s3(tmp_path, s3, "s3://mine/x")
    setup(project.stack(), True)
    project.stack().store.put("images/a.jpg", b"1")
    report = teardown(project.stack(), True)
    assert told(report) == {"cors": "done", "bucket": "kept"}
    assert "1 object:" in report.steps[-1].detail
    assert "aws s3 rb s3://mine --force" in report.steps[-1].fix
    assert project.stack().store.get("images/a.jpg") == b"1"
    project.stack().store.delete("images/a.jpg")
    assert "mine" in str(s3.client().list_buckets()["Buckets"])
    project.run("storage", "teardown", code=2)
    project.run("storage", "teardown", "--yes")
    assert "mine" not in str(s3.client().list_buckets()["Buckets"])
    assert told(teardown(project.stack(), True)) == {"setup": "ok"}


def test_store_that_made_nothing_does_not_keep_the_bucket_of_another(
    tmp_path: Path, s3: S3Server
) -> None:
    first = on_s3(tmp_path, s3, "s3://both/a")
    second = "store.url=s3://both/b"
    setup(first.stack(), True)
    setup(first.stack(second), True)
    assert told(teardown(first.stack(), True))["bucket"] == "kept"
    assert told(teardown(first.stack(second), True)) == {"setup": "ok"}
    assert told(teardown(first.stack(), True)) == {"bucket": "done"}


def test_credentials_that_are_refused_are_told_as_such(tmp_path: Path, s3: S3Server) -> None:
    project = on_s3(tmp_path, s3, "s3://lab/refused")
    (bucket, *_) = setup(project.stack("s3.secret_key=wrong"), False).steps
    assert "SignatureDoesNotMatch" in bucket.detail
    made = s3.session(-5)
    gone = [f"s3.access_key={made['key']}", f"s3.secret_key={made['secret']}"]
    gone.append(f"s3.session_token={made['token']}")
    (bucket, *_) = setup(project.stack(*gone), False).steps
    assert "the session expired" in bucket.detail
    assert "annoloop up --refresh-storage" in bucket.fix
    check = checks(project, *gone)["credentials"]
    assert (check.status, check.code) == ("fail", 4)


def test_setup_that_was_interrupted_is_completed(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = on_s3(tmp_path, s3, "s3://halfway/x")

    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(setup_s3._Cors, "make", interrupted)
        with pytest.raises(KeyboardInterrupt):
            setup(project.stack(), True)
    again = told(setup(project.stack(), True))
    assert (again["bucket"], again["cors"]) == ("ok", "done")
    assert told(teardown(project.stack(), True)) == {"cors": "done", "bucket": "done"}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"made": 5}', b'{"store": "%s", "made": {"cors": {"rule": 5}}}']
)
def test_damaged_note_of_what_was_made_is_named(tmp_path: Path, s3: S3Server, body: bytes) -> None:
    project = on_s3(tmp_path, s3, f"s3://note{len(body)}/x")
    store = project.stack().store
    setup(project.stack(), True)
    store.put(NOTE, body.replace(b"%s", store.url.encode()))
    last = teardown(project.stack(), True).steps[-1]
    assert (last.status, last.code) == ("cannot", 5)
    assert NOTE in last.detail


def test_key_that_may_only_read_is_told_what_fails_and_who_can_help(
    tmp_path: Path, s3: S3Server
) -> None:
    project = on_s3(tmp_path, s3, "s3://lab/x")
    key = [f"s3.access_key={s3.read_only_key}", f"s3.secret_key={s3.read_only_secret}"]
    found = checks(project, *key)
    assert [name for name, check in found.items() if check.status == "fail"] == ["store"]
    assert "what the key may do" in found["store"].fix
    assert found["list"].status == "ok"
    report = setup(project.stack(*key, "store.url=s3://forbidden/x"), True)
    assert report.exit_code == 4
    assert "annoloop storage setup --print aws" in report.steps[0].fix
    assert report.steps[-1].name == "note"


def test_store_of_a_server_in_a_private_network_is_told(tmp_path: Path, s3: S3Server) -> None:
    theirs = {"url": "http://labels.example.org/ls", "api_key": "x" * 40}
    project = on_s3(tmp_path, s3, "s3://lab/x", label_studio=theirs)
    found = checks(project, "store.images=proxy")
    assert found["endpoint"].status == "warn"
    assert "SSRF_PROTECTION_ENABLED=false" in found["endpoint"].fix
    assert found["cors"].status == "skip"
    assert "http://labels.example.org;" in found["cors"].detail


@pytest.mark.slow
def test_key_gets_a_policy_for_its_part_of_the_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with moto() as server:
        project = on_s3(tmp_path, server, "s3://lab/team a")
        report = setup(project.stack("s3.region=eu-central-1"), True)
        everything = dict.fromkeys(("bucket", "private", "cors", "policy"), "done")
        assert told(report) == everything
        assert "aws iam attach-user-policy" in report.steps[-1].detail
        iam = get_session().create_client(
            "iam", "us-east-1", endpoint_url=server.endpoint, **key_of(server)
        )
        (policy,) = iam.list_policies(Scope="Local")["Policies"]
        assert policy["PolicyName"].startswith("annoloop-lab-team-a-")
        version = {"PolicyArn": policy["Arn"], "VersionId": policy["DefaultVersionId"]}
        document = iam.get_policy_version(**version)["PolicyVersion"]["Document"]
        actions = {action for s in document["Statement"] for action in s["Action"]}
        rights = ("ListBucket", "GetObject", "PutObject", "DeleteObject")
        assert actions == {f"s3:{right}" for right in rights}
        assert document["Statement"][1]["Resource"] == ["arn:aws:s3:::lab/team a/*"]
        assert "team a/*" in str(document["Statement"][0]["Condition"])
        assert setup(project.stack(), False).exit_code == 0
        removed = teardown(project.stack(), True)
        assert told(removed) == {"policy": "done", "cors": "done", "bucket": "done"}
        assert iam.list_policies(Scope="Local")["Policies"] == []


def key_of(server: S3Server) -> dict[str, str]:
    return {"aws_access_key_id": server.key, "aws_secret_access_key": server.secret}


@pytest.fixture
def gcs(tmp_path: Path) -> Iterator[GCSServer]:
    with fake_gcs(tmp_path / "gcs") as server:
        yield server


def test_what_a_server_of_google_clouds_language_does_not_keep_is_skipped(
    tmp_path: Path, gcs: GCSServer
) -> None:
    """This one drops CORS rules, rights and privacy, and checks nothing: Google's does."""
    project = Project(
        tmp_path,
        {
            "store": {"url": "gs://fresh/x"},
            "gcs": {"endpoint": gcs.endpoint, "project": "p", "location": "europe-west3"},
        },
    )
    plan = setup(project.stack(), False)
    assert told(plan) == {"bucket": "todo", "private": "todo", "cors": "todo", "policy": "skip"}
    made = told(setup(project.stack(), True))
    assert made == {"bucket": "done", "private": "skip", "cors": "skip", "policy": "skip"}
    assert setup(project.stack(), False).exit_code == 0
    found = checks(project)
    assert found["private"].status == "warn"
    assert {found[name].status for name in ("store", "read", "list", "conditional")} == {"ok"}
    assert found["signed read"].status == "skip"
    theirs = ("label_studio.url=http://labels.example.org", "label_studio.api_key=" + "x" * 40)
    assert f"STORAGE_EMULATOR_HOST={gcs.endpoint}" in checks(project, *theirs)["endpoint"].fix
    assert told(teardown(project.stack(), True)) == {"bucket": "done"}


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[AzureServer]:
    with azurite(tmp_path / "azure") as server:
        yield server


def test_rules_of_an_azure_account_are_kept_and_ours_enforced(
    tmp_path: Path, azure: AzureServer
) -> None:
    client = azure.client()
    theirs = CorsRule(["https://a.example"], ["PUT"], max_age_in_seconds=5)
    client.set_service_properties(cors=[theirs])
    project = Project(
        tmp_path,
        {
            "store": {"url": "az://fresh/x", "images": "presign"},
            "azure": {"connection_string": azure.connection_string},
        },
    )
    plan = setup(project.stack(), False)
    assert "in all of the account" in plan.steps[2].detail
    made = told(setup(project.stack(), True))
    assert made == {"bucket": "done", "private": "ok", "cors": "done", "policy": "skip"}
    assert setup(project.stack(), False).exit_code == 0
    found = checks(project)
    assert "signs addresses of Azure's public cloud only" in found.pop("images").detail
    assert {check.status for check in found.values()} == {"ok"}
    assert len(client.get_service_properties()["cors"]) == 2
    assert told(teardown(project.stack(), True)) == {"cors": "done", "bucket": "done"}
    (left,) = client.get_service_properties()["cors"]
    assert left.allowed_origins == "https://a.example"


def test_credentials_that_end_soon_are_told(tmp_path: Path, azure: AzureServer) -> None:
    found = _checks_until(tmp_path, azure, -30)
    assert found["credentials"].status == "fail"
    assert found["credentials"].detail.startswith("expired at ")
    until = datetime.now(timezone.utc) + timedelta(minutes=30)
    found = _checks_until(tmp_path, azure, 30)
    assert found["credentials"].status == "warn"
    assert f"expires at {until:%Y-%m-%d %H:%M}" in found["credentials"].detail
    assert found["signed read"].status == "skip"


def _checks_until(tmp_path: Path, azure: AzureServer, minutes: int) -> dict[str, Any]:
    until = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    signature = generate_account_sas(
        azure.account,
        azure.key,
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, write=True, list=True, delete=True, create=True),
        until,
    )
    text = f"BlobEndpoint={azure.endpoint};SharedAccessSignature={signature}"
    values = {"store": {"url": "az://lab/x"}, "azure": {"connection_string": text}}
    return checks(Project(tmp_path, values))


def test_name_that_no_bucket_can_have_is_told(tmp_path: Path) -> None:
    values = {"store": {"url": "gs://lab_/x"}, "gcs": {"endpoint": "http://127.0.0.1:9"}}
    with pytest.raises(ConfigError, match="not the name of a bucket"):
        Project(tmp_path, values).stack().cloud.administration()  # type: ignore[union-attr]


def test_endpoint_needs_a_scheme_and_no_slash(tmp_path: Path) -> None:
    values = {"store": {"url": "gs://lab/x"}, "gcs": {"endpoint": "http://127.0.0.1:9/"}}
    project = Project(tmp_path, values)
    assert project.stack().config.gcs.endpoint == "http://127.0.0.1:9"
    with pytest.raises(ConfigError, match="http:// or https://"):
        project.stack("gcs.endpoint=127.0.0.1:9")


WITHOUT_CLOUDS = """
import sys
for name in ("s3fs", "botocore", "gcsfs", "google", "adlfs", "azure", "fsspec"):
    sys.modules[name] = None
sys.argv = ["annoloop", "storage", "setup", "--print", sys.argv[1]]
from annolooop.cli import main
main()
"""


@pytest.mark.parametrize(
    ("cli", "values"),
    [
        ("aws", {"store": {"url": "s3://my-bucket/team a"}, "s3": {"region": "eu-central-1"}}),
        (
            "gcp",
            {
                "store": {"url": "gs://my-bucket/it's"},
                "gcs": {"project": "p", "location": "europe-west3", "credentials": "key.json"},
            },
        ),
        (
            "azure",
            {
                "store": {"url": "az://my-container/x"},
                "azure": {"account": "acct", "account_key": "${NEVER_SET}"},
                "label_studio": {"url": "https://Labels.example.org:443/ls", "api_key": "${NEVER}"},
            },
        ),
    ],
)
def test_commands_for_an_administrator(tmp_path: Path, cli: str, values: dict[str, Any]) -> None:
    (tmp_path / "key.json").write_text(json.dumps({"client_email": "a@p.example"}))
    project = Project(tmp_path, values)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CLOUDS, cli],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (GOLDEN / f"setup-{cli}.txt").read_text(encoding="utf-8")
    subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=True)


def test_commands_of_another_cloud_than_the_stores_are_refused(tmp_path: Path) -> None:
    project = Project(tmp_path, {"store": {"url": "gs://b/x"}})
    assert "--print gcp" in project.run("storage", "setup", "--print", "aws", code=2).stderr


def test_folder_needs_no_setup(tmp_path: Path) -> None:
    project = Project(tmp_path, {"store": {"url": "a/store"}})
    assert told(setup(project.stack(), False)) == {"folder": "ok"}
    assert (tmp_path / "a" / "store").is_dir()
    assert checks(project)["store"].status == "ok"
