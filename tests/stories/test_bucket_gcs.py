"""The whole loop on Google Cloud Storage, its images seen through a real Label Studio.

fake-gcs-server stands in for Google's: it checks no signatures.
"""

import json

import pytest
from support.bucket_images import NAMES, answer_all, see_all
from support.bucket_servers import GCSServer
from support.google_server import TOKEN, answering, service_account_key
from support.project import Project, write_photos

from annolooop.errors import ConfigError


@pytest.fixture
def on_gcs(own_project: Project, gcs: GCSServer) -> Project:
    own_project.values["store"] = {
        "url": f"gs://{gcs.bucket}/team a",
        "export_annotations": True,
    }
    own_project.values["gcs"] = {"endpoint": gcs.endpoint}
    own_project.write(own_project.values)
    return own_project


def test_whole_loop_on_google_cloud_storage(on_gcs: Project) -> None:
    project = on_gcs
    project.json("up")
    project.json("train")
    write_photos(project.folder / "b", NAMES)
    first = project.json("infer", "--batch", "b")
    assert (first["uploaded"], first["tasks_created"], first["predictions_pushed"]) == (5, 5, 5)
    see_all(project)
    stack = project.stack()
    found = stack.studio.projects.find("aria_detector")
    assert found
    answer_all(project)
    assert project.json("sync")["labeled"] == 5
    assert len(list(stack.store.walk("annotations/aria_detector"))) == 5
    trained = project.json("train", "--rerun", "--set", "train.holdout=0")
    assert trained["trained"]
    for name in ("deep/er/x.jpg", "y?.jpg"):
        stack.store.put(f"images/theirs/{name}", (project.folder / "b" / NAMES[0]).read_bytes())
    theirs = project.json("infer", "--batch", "gs://lab/team a/images/theirs")
    assert (theirs["images"], theirs["uploaded"], theirs["tasks_created"]) == (1, 0, 1)
    assert theirs["unreadable"][0]["file"] == "images/theirs/y?.jpg"
    # Nothing that could sign addresses is known yet.
    with pytest.raises(ConfigError, match="needs the key of a service account") as unsigned:
        _ = project.stack("store.images=presign").image_source
    assert "set store.images to proxy" in unsigned.value.hint
    with answering(lambda method, path: (200, TOKEN)) as tokens:
        (project.folder / "key.json").write_text(service_account_key(tokens), encoding="utf-8")
        keyed, presigned = "gcs.credentials=key.json", "store.images=presign"
        stack = project.stack(keyed)
        stack.image_source.connect(stack.studio, found.id)
        see_all(project, keyed)
        # By signed addresses of the bucket, on the same tasks.
        words = ["--set", keyed, "--set", presigned]
        assert project.json("infer", *words)["tasks_created"] == 0
        see_all(project, keyed, presigned)
        message = project.run("doctor", "-v", "--json", *words)
        assert "/lab/" in message.stderr
        assert "ignature" not in message.stderr
        checks = {c["name"]: c for c in json.loads(message.stdout)["checks"]}
        assert checks["store"]["status"] == "ok"
        assert checks["image"]["status"] == "ok"
    nowhere = project.stack("store.url=gs://nobucket/x")
    with pytest.raises(ConfigError, match="cannot read the bucket nobucket") as caught:
        nowhere.image_source.connect(nowhere.studio, found.id)
    assert "application default credentials" in caught.value.hint
    project.json("down")
