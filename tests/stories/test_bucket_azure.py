"""The whole loop on Azure Blob Storage, its images seen through a real Label Studio."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from support.bucket_images import NAMES, answer_all, see_all
from support.bucket_servers import AzureServer
from support.project import Project, write_photos

from annolooop.errors import ConfigError


@pytest.fixture
def on_azure(own_project: Project, azure: AzureServer) -> Project:
    """By a signature; Label Studio has the key."""
    own_project.values["store"] = {"url": f"az://{azure.container}/team a"}
    own_project.values["azure"] = {
        "account": azure.account,
        "account_key": "${AZURE_KEY}",
        "sas_token": "${AZURE_SAS}",
        "endpoint": azure.endpoint,
    }
    own_project.write(own_project.values)
    signed = generate_container_sas(
        azure.account,
        azure.container,
        account_key=azure.key,
        permission=ContainerSasPermissions.from_string("racwdl"),
        expiry=datetime.now(timezone.utc) + timedelta(hours=1),
    )
    (own_project.folder / ".env").write_text(
        f"AZURE_KEY={azure.key}\nAZURE_SAS='{signed}'\n", encoding="utf-8"
    )
    return own_project


def test_whole_loop_on_azure(on_azure: Project, azure: AzureServer) -> None:
    project = on_azure
    project.json("up")
    project.json("train")
    write_photos(project.folder / "b", NAMES)
    first = project.run("infer", "--batch", "b", "--json")
    # No library has anything to say.
    assert {line.partition(":")[0] for line in first.stderr.splitlines()} == {"infer"}
    report = json.loads(first.stdout)
    assert (report["uploaded"], report["tasks_created"], report["predictions_pushed"]) == (5, 5, 5)
    see_all(project)
    stack = project.stack()
    found = stack.studio.projects.find("aria_detector")
    assert found
    tasks = list(stack.studio.tasks.list(found.id))
    assert f"images/b/{NAMES[-1].replace('?', chr(0xFF1F))}" in {task.key for task in tasks}
    answer_all(project)
    assert project.json("sync")["labeled"] == 5
    trained = project.run("train", "--rerun", "-v", "--json")
    assert json.loads(trained.stdout)["trained"]
    assert f"{azure.endpoint}/lab/team" in trained.stderr
    assert "sig=" not in trained.stderr
    with pytest.raises(ConfigError, match="public cloud only") as caught:
        project.stack("store.images=presign").image_source.connected(stack.studio, found.id)
    assert caught.value.hint == "Set store.images: proxy"
    # Without the key annoloop works, and Label Studio could show nothing.
    section = project.values["azure"]
    assert isinstance(section, dict)
    section["account_key"] = None
    project.write(project.values)
    with pytest.raises(ConfigError, match="only with an account key") as caught:
        project.stack().image_source.connected(stack.studio, found.id)
    assert caught.value.hint.startswith("Set azure.account_key too")
    # What a signed address could not show is reported, and files get names that it can.
    write_photos(project.folder / "c", ["aria#1.jpg"], seed=9)
    alone = ["--no-push", "--set", "store.images=presign"]
    new = project.json("infer", "--batch", "c", *alone)
    assert (new["uploaded"], new["unreadable"]) == (1, [])
    old = project.json("infer", "--batch", "images/b", *alone)
    assert old["images"] == 3
    assert all("store.images: proxy" in item["reason"] for item in old["unreadable"])
