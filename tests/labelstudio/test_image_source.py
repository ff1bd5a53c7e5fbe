"""How a project shows the images of the store, and whether it still does so."""

from pathlib import Path
from typing import Any

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.errors import ConfigError
from annolooop.labelstudio.image_source import AnnotationExport, BucketImages, LocalImages

BUCKETS = "/api/storages/s3/"
EXPORTS = "/api/storages/export"


def bucket(secret: str = "x", advice: str = "") -> BucketImages:
    return BucketImages(
        kind="s3",
        scheme="s3",
        bucket_field="bucket",
        bucket="photos",
        prefix="team",
        presign=True,
        presign_minutes=60,
        settings={"aws_secret_access_key": secret},
        advice=advice,
    )


def connected(fake: FakeLabelStudio, source: BucketImages) -> dict[str, Any]:
    """What the server keeps once a project is connected."""
    fake.answer("GET", BUCKETS, [])
    fake.answer("POST", BUCKETS, {})
    source.connect(fake.studio, 7)
    (body,) = fake.bodies("POST", BUCKETS)
    return {"id": 4, **body}


def test_address_of_a_local_image_is_relative_to_the_root(tmp_path: Path) -> None:
    source = LocalImages(tmp_path, tmp_path / "store", "images", "/ls")
    assert source.url("images/a b.jpg") == "/ls/data/local-files/?d=store/images/a%20b.jpg"


def test_store_outside_of_the_root_is_a_configuration_error(tmp_path: Path) -> None:
    source = LocalImages(tmp_path / "root", tmp_path / "store", "images")
    with pytest.raises(ConfigError, match="is not below it"):
        source.url("images/a.jpg")


def test_address_of_an_image_in_a_bucket_has_the_prefix() -> None:
    assert bucket().url("images/a.jpg") == "s3://photos/team/images/a.jpg"


def test_bucket_with_the_same_settings_stays_connected(fake: FakeLabelStudio) -> None:
    kept = connected(fake, bucket())
    fake.answer("GET", BUCKETS, [kept])
    assert not bucket().connected(fake.studio, 7)  # the answer that was prepared first
    assert bucket().connected(fake.studio, 7)


def test_other_credentials_are_noticed_without_being_kept(fake: FakeLabelStudio) -> None:
    kept = connected(fake, bucket("old"))
    assert "old" not in kept["description"]
    fake.answer("GET", BUCKETS, [kept])
    fake.studio.storages.imports(7, "s3")
    assert not bucket("new").connected(fake.studio, 7)
    fake.answer("PATCH", f"{BUCKETS}4", {})
    bucket("new").connect(fake.studio, 7)
    assert fake.bodies("PATCH", f"{BUCKETS}4")[0]["aws_secret_access_key"] == "new"


def test_project_without_the_bucket_needs_no_fresh_credentials(fake: FakeLabelStudio) -> None:
    fake.answer("GET", BUCKETS, [{"bucket": "of someone else"}])
    assert not bucket().refresh(fake.studio, 7)


def test_advice_of_the_cloud_replaces_the_hint(fake: FakeLabelStudio) -> None:
    fake.answer("GET", BUCKETS, [])
    fake.answer("POST", BUCKETS, {"detail": "no"}, 400)
    with pytest.raises(ConfigError) as caught:
        bucket(advice="Use a key of its own.").connect(fake.studio, 7)
    assert caught.value.hint == "Use a key of its own."


def test_copy_of_annotations_that_is_not_enabled_any_more_is_removed(
    fake: FakeLabelStudio,
) -> None:
    ours = {"id": 3, "type": "s3", "title": "annoloop: a copy of the annotations"}
    fake.answer("GET", EXPORTS, [{**ours, "description": "settings 1"}])
    AnnotationExport(enabled=False).connect(fake.studio, 7)
    assert (fake.requests[-1].method, fake.requests[-1].path) == ("DELETE", f"{EXPORTS}/s3/3")


def test_old_copy_is_removed_only_when_the_new_one_is_written(fake: FakeLabelStudio) -> None:
    ours = {"id": 3, "type": "s3", "title": "annoloop: a copy of the annotations"}
    fake.answer("GET", EXPORTS, [{**ours, "description": "settings 1"}])
    fake.answer("POST", f"{EXPORTS}/s3", {"detail": "refused"}, 400)
    with pytest.raises(ConfigError, match="cannot write annotations to the store"):
        AnnotationExport(True, "s3", {"bucket": "x"}).connect(fake.studio, 7)
    assert all(request.method != "DELETE" for request in fake.requests)
