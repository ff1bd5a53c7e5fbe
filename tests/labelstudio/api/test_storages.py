"""Storages: of images, which are never synced, and for a copy of the annotations."""

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.errors import ConfigError, UnreachableError

FOLDERS = "/api/storages/localfiles/"
BUCKETS = "/api/storages/s3/"
EXPORTS = "/api/storages/export/s3"


def test_folder_that_is_there_is_not_added_again(fake: FakeLabelStudio) -> None:
    fake.answer("GET", FOLDERS, [{"path": "/store/images"}])
    fake.studio.storages.add_folder(7, "/store/images")
    assert fake.bodies("POST", FOLDERS) == []


def test_storage_of_images_is_never_synced(fake: FakeLabelStudio) -> None:
    fake.answer("GET", FOLDERS, [])
    fake.answer("POST", FOLDERS, {})
    fake.studio.storages.add_folder(7, "/store/images")
    (body,) = fake.bodies("POST", FOLDERS)
    assert (body["synchronizable"], body["path"]) == (False, "/store/images")


def test_folder_that_the_server_may_not_serve_is_a_configuration_error(
    fake: FakeLabelStudio,
) -> None:
    fake.answer("GET", FOLDERS, [])
    fake.answer("POST", FOLDERS, {"detail": "not below the root"}, 400)
    with pytest.raises(ConfigError, match="may not show the images of /store") as caught:
        fake.studio.storages.add_folder(7, "/store/images")
    assert "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT" in caught.value.hint


def test_known_bucket_is_changed_and_a_new_one_is_made(fake: FakeLabelStudio) -> None:
    fake.answer("PATCH", f"{BUCKETS}4", {})
    fake.answer("POST", BUCKETS, {})
    fake.studio.storages.put_bucket(7, "s3", 4, "photos", {"presign": True})
    fake.studio.storages.put_bucket(7, "s3", None, "photos", {"presign": True})
    assert [request.method for request in fake.requests] == ["PATCH", "POST"]


@pytest.mark.parametrize(
    ("detail", "hint"),
    [
        ("wrong key", "Check the credentials in the section s3 of the stack file"),
        ("10.0.0.1 is in a reserved network address block", "addresses of private networks"),
    ],
)
def test_bucket_that_the_server_cannot_read_is_explained(
    fake: FakeLabelStudio, detail: str, hint: str
) -> None:
    fake.answer("POST", BUCKETS, {"detail": detail}, 400)
    with pytest.raises(ConfigError, match="cannot read the bucket photos") as caught:
        fake.studio.storages.put_bucket(7, "s3", None, "photos", {})
    assert hint in caught.value.hint


def test_export_that_cannot_be_written_is_removed_again(fake: FakeLabelStudio) -> None:
    """It would fail at each answer that people give."""
    fake.answer("POST", EXPORTS, {"id": 9})
    fake.answer("POST", f"{EXPORTS}/9/sync", {"status": "failed"})
    fake.answer("DELETE", f"{EXPORTS}/9", status=204)
    with pytest.raises(UnreachableError, match="could not write the annotations"):
        fake.studio.storages.add_export(7, "s3", {})
    assert fake.requests[-1].method == "DELETE"


def test_export_storages_of_other_people_are_left_alone(fake: FakeLabelStudio) -> None:
    ours = {"id": 1, "title": "annoloop: a copy of the annotations"}
    fake.answer("GET", "/api/storages/export", [ours, {"id": 2, "title": "theirs"}])
    assert fake.studio.storages.exports(7) == [ours]
