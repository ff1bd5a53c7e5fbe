"""The whole loop on a bucket, its images seen through a real Label Studio."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image as Picture
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from support.browser_pages import log_in, look, open_page, shoot
from support.bucket_images import NAMES, answer_all, see_all
from support.bucket_servers import S3Server, moto
from support.project import Project, write_photos

from annolooop.domain.progress import Objects, untracked
from annolooop.domain.tasks import Image
from annolooop.errors import ConfigError, UsageError
from annolooop.loop.embed.batch import list_batch
from annolooop.loop.embed.embed import Embedder
from annolooop.loop.infer.infer import InferOptions, infer
from annolooop.loop.labels.project import ensure_project
from annolooop.loop.sync.sync import sync
from annolooop.model.backbones.pipeline import Pipeline
from annolooop.storage import images
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.clouds.s3.files import S3Access, open_s3
from annolooop.storage.embeddings.embeddings import Embeddings
from annolooop.storage.images import ImageCatalog


@pytest.fixture
def on_s3(own_project: Project, s3: S3Server) -> Project:
    own_project.values["store"] = {
        "url": f"s3://{s3.bucket}/team a",
        "export_annotations": True,
    }
    own_project.values["s3"] = {
        "endpoint": s3.endpoint,
        "region": "us-east-1",
        "access_key": s3.key,
        "secret_key": "${S3_SECRET}",
    }
    own_project.write(own_project.values)
    (own_project.folder / ".env").write_text(f"S3_SECRET={s3.secret}\n", encoding="utf-8")
    return own_project


def allow_origin(s3: S3Server, origin: str) -> None:
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "HEAD"]}
    s3.client().put_bucket_cors(Bucket=s3.bucket, CORSConfiguration={"CORSRules": [rule]})


def look_in_browser(project: Project, shot: str, *overrides: str, seconds: float = 60) -> None:
    """Wait until the next task of the stream shows its picture."""
    stack = project.stack(*overrides)
    daemon = stack.daemon
    credentials = daemon.credentials() if daemon else None
    found = stack.studio.projects.find("aria_detector")
    assert credentials
    assert found
    with open_page() as page:
        page.goto(stack.studio.projects.stream_url(found.id))
        log_in(page, credentials.username, credentials.password)
        look(page, seconds=seconds)
        shoot(page, shot)


def by_session(s3: S3Server, seconds: int) -> list[str]:
    made = s3.session(seconds)
    return [
        f"--set=s3.access_key={made['key']}",
        f"--set=s3.secret_key={made['secret']}",
        f"--set=s3.session_token={made['token']}",
    ]


def test_batch_is_found_by_its_place_in_the_bucket(s3: S3Server) -> None:
    access = S3Access(s3.endpoint, "us-east-1", s3.key, s3.secret)
    url = f"s3://{s3.bucket}/places"
    store = ArtifactStore(url, open_s3(access))
    for key in ("images/b/1.jpg", "b/2.jpg", "c/d/3.jpg", "4.jpg", "models/b/5.jpg"):
        store.put(key, b"")
    catalog = ImageCatalog(store, "d")

    def keys(batch: str) -> list[str]:
        return [source.key for source in list_batch(batch, store, catalog).sources]

    assert keys("b") == keys("images/b") == ["images/b/1.jpg"]
    assert keys(f"{url}/b") == ["b/2.jpg"]
    assert keys("c") == keys("c/d/") == ["c/d/3.jpg"]
    assert keys(url) == keys(f"{url}/") == ["4.jpg", "b/2.jpg", "c/d/3.jpg", "images/b/1.jpg"]
    with pytest.raises(UsageError, match="below models/ of the store annoloop keeps"):
        keys(f"{url}/models/b")
    for elsewhere in (f"s3://{s3.bucket}/other", "s3://other/b", f"{url}-2/b"):
        with pytest.raises(
            UsageError, match=f"not in the store, and store.url is {url}"
        ) as message:
            keys(elsewhere)
        assert f"store.url: s3://{elsewhere.split('/')[2]}" in message.value.hint
    with pytest.raises(UsageError, match="no such prefix in the store"):
        keys("nowhere")


def test_tiff_of_a_bucket_is_shown_and_what_is_no_image_is_no_work(
    on_s3: Project, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_reads_heic", lambda: False)  # its package is not installed
    project = on_s3
    project.write({**project.values, "store": {"url": f"s3://{s3.bucket}/scanned"}})
    project.json("up")
    project.json("train")
    out = io.BytesIO()
    Picture.new("RGB", (60, 40), "red").save(out, "TIFF")
    store = project.stack().store
    store.put("scans/a.jpg", out.getvalue())
    store.put("scans/b.jpg", b"version https://git-lfs.github.com/spec/v1")
    store.put("scans/c.heic", b"1")
    done = project.json("infer", "--batch", "scans")
    assert (done["images"], done["passed_over"]) == (1, {".heic": 1})
    assert "Git LFS" in done["unreadable"][0]["reason"]
    stack = project.stack()
    (found,) = stack.studio.projects.list()
    (task,) = stack.studio.tasks.list(found.id)
    kind, data = stack.studio.fetch(stack.studio.tasks.image_address(found.id, task.id))
    assert (kind, Picture.open(io.BytesIO(data)).size) == ("image/jpeg", (60, 40))
    assert task.key == "scans/a.jpg"
    assert project.json("infer", "--batch", "scans", "--dry-run")["embedded"] == 0
    assert project.json("sync", "--check")["new"]["count"] == 0


def test_whole_loop_on_s3(on_s3: Project, s3: S3Server) -> None:
    project = on_s3
    project.json("up")
    project.json("train")
    write_photos(project.folder / "b", NAMES)
    first = project.json("infer", "--batch", "b")
    assert (first["uploaded"], first["tasks_created"], first["predictions_pushed"]) == (5, 5, 5)
    see_all(project)
    again = project.json("infer", "--batch", "b")
    assert (again["uploaded"], again["embedded"], again["tasks_created"]) == (0, 0, 0)
    stack = project.stack()
    found = stack.studio.projects.find("aria_detector")
    assert found
    answer_all(project)
    assert project.json("sync")["labeled"] == 5
    assert len(list(stack.store.walk("annotations/aria_detector"))) == 5
    trained = project.json("train", "--rerun", "--set", "train.holdout=0")
    assert trained["trained"]
    # Another cache on another machine: everything that counts is in the bucket.
    elsewhere = project.json("infer", "--rerun", "--set", "cache_dir=elsewhere")
    assert (elsewhere["images"], elsewhere["embedded"]) == (5, 0)
    # What somebody else put there; one of the names is such that no browser could see it.
    for name in ("deep/er/x.jpg", "y?.jpg"):
        stack.store.put(f"images/theirs/{name}", (project.folder / "b" / NAMES[0]).read_bytes())
    theirs = project.json("infer", "--batch", "s3://lab/team a/images/theirs")
    assert (theirs["images"], theirs["uploaded"], theirs["tasks_created"]) == (1, 0, 1)
    assert theirs["unreadable"][0]["file"] == "images/theirs/y?.jpg"
    allow_origin(s3, "http://nobody.example")
    look_in_browser(project, "proxy")
    # What lies outside of images/ is used where it is, and watched.
    stack = project.stack()
    picture = (project.folder / "b" / NAMES[1]).read_bytes()
    stack.store.put("photos/2026/11/x.jpg", picture)
    photos = infer(stack, f"s3://{s3.bucket}/team a/photos", InferOptions(), untracked)
    assert (photos.images, photos.uploaded, photos.tasks_created) == (1, 0, 1)
    stack.store.put("photos/2026/12/y.jpg", picture)
    stack.store.delete("images/theirs/deep/er/x.jpg")
    watched = sync(project.stack(), False, untracked)
    assert watched.new == Objects(1, ("photos/2026/12/y.jpg",))
    assert (watched.batches, watched.changed.count) == (("photos",), 0)
    assert (watched.vanished.count, watched.marked) == (1, 1)
    stack.store.put("images/theirs/deep/er/x.jpg", (project.folder / "b" / NAMES[0]).read_bytes())
    # By signed addresses of the bucket, on the same tasks.
    presigned = ["--set", "store.images=presign"]
    project.json("infer", *presigned)
    see_all(project)
    with pytest.raises(PlaywrightTimeoutError):
        look_in_browser(project, "presign-refused", presigned[1], seconds=10)
    project.run("storage", "setup", "--yes")
    look_in_browser(project, "presign", presigned[1])
    message = project.run("doctor", "-v", "--json", *presigned)
    assert "/lab/" in message.stderr
    assert "ignature" not in message.stderr
    checks = {c["name"]: c for c in json.loads(message.stdout)["checks"]}
    assert checks["store"]["status"] == "ok"
    assert checks["image"]["status"] == "ok"
    # As if someone else ran the server: it may not ask this machine.
    credentials = stack.daemon.credentials() if stack.daemon else None
    assert credentials
    server = (f"label_studio.url={stack.studio.url}", f"label_studio.api_key={credentials.token}")
    with pytest.raises(ConfigError) as refused:
        ensure_project(project.stack(*server, "dataset.name=theirs"))
    assert "SSRF_PROTECTION_ENABLED=false" in refused.value.hint
    # A session that is over, and another one, which Label Studio then looks with.
    ended = project.run("infer", *by_session(s3, -1), code=4).stderr
    assert "the session expired at" in ended
    assert "annoloop up --refresh-storage" in ended
    assert project.json("up", "--refresh-storage", *by_session(s3, 600))["refreshed"] == 1
    see_all(project)
    assert project.json("infer")["tasks_created"] == 0
    shown = project.run("stack", "show").stdout
    assert s3.secret not in shown
    project.json("down")


def no_pipeline() -> Pipeline:
    raise AssertionError("nothing is embedded")


def test_objects_whose_names_no_store_can_use_are_named_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SeaweedFS mends such names; moto keeps them, as Amazon's does."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with moto() as server:
        client = server.client()
        client.create_bucket(Bucket="lab")
        for name in ("1.jpg", "/2.jpg", "./3.jpg", "../4.jpg"):
            client.put_object(Bucket="lab", Key=f"x/b/{name}", Body=name.encode())
        access = S3Access(server.endpoint, "us-east-1", server.key, server.secret)
        store = ArtifactStore("s3://lab/x", open_s3(access))
        catalog = ImageCatalog(store, "d")
        embedder = Embedder(store, catalog, Embeddings(store, "none", tmp_path), no_pipeline)
        images: list[Image] = []
        found = embedder.look(list_batch("b", store, catalog).sources, untracked, images.extend)
    assert [image.key for image in images] == ["b/1.jpg"]
    assert set(found.unreadable) == {"b//2.jpg", "b/./3.jpg", "b/../4.jpg"}
