"""The artifact store in a bucket of Google Cloud Storage.

fake-gcs-server stands in for Google's: it checks neither credentials nor rights. So what Google
answers where it refuses or is busy comes from a server that answers as it is told.
"""

import secrets
import time
from collections.abc import Callable

import httpx
import pytest
from support.bucket_servers import GCSServer
from support.google_server import Answer, answering, refusal
from support.store_contract import StoreContract

from annolooop.errors import UnreachableError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.clouds.gcs.files import GCSAccess, open_gcs


def opened(gcs: GCSServer, url: str) -> ArtifactStore:
    return ArtifactStore(url, open_gcs(GCSAccess(endpoint=gcs.endpoint)))


class TestGCSStore(StoreContract):
    @pytest.fixture
    def store(self, gcs: GCSServer) -> ArtifactStore:
        return opened(gcs, f"gs://{gcs.bucket}/{secrets.token_hex(4)}/a store")


def test_object_knows_what_kind_of_file_it_is(gcs: GCSServer) -> None:
    opened(gcs, "gs://lab/kinds").put("images/a.jpg", b"x")
    found = httpx.get(f"{gcs.endpoint}/storage/v1/b/lab/o/kinds%2Fimages%2Fa.jpg").json()
    assert found["contentType"] == "image/jpeg"


def test_large_object_is_written_in_parts(gcs: GCSServer) -> None:
    store = opened(gcs, "gs://lab/large")
    data = secrets.token_bytes(1 << 10) * (51 << 10)
    assert store.put_new("a", data)
    assert store.get("a") == data

    # fake-gcs-server forgets the condition of a write in parts; Google answers its start so.
    def answer(method: str, path: str) -> Answer:
        if method == "GET":  # whether it is what was to be written
            return refusal(404, "No such object")
        told = "uploadType=resumable" in path and "ifGenerationMatch=0" in path
        return refusal(412 if told else 400, "At least one of the pre-conditions does not hold.")

    with answering(answer) as google:
        store = ArtifactStore("gs://lab/large", open_gcs(GCSAccess(endpoint=google)))
        assert not store.put_new("a", data)


def test_names_are_taken_as_they_are(gcs: GCSServer) -> None:
    store = opened(gcs, "gs://lab/odd [1] #2 *")
    for key in ("d/a", "d/a/b", "d/a#1", "e/c"):
        store.put(key, b"x")
    assert store.info("d/a").size == 1
    assert not store.exists("d")
    with pytest.raises(KeyError):
        store.info("d")
    store.delete("d/a#1")
    store.delete_below("d")
    assert [found.key for found in store.walk("d")] == []
    assert store.exists("e/c")


def test_rights_do_not_change_the_etag_but_content_does(gcs: GCSServer) -> None:
    store = opened(gcs, "gs://lab/tags")
    store.put("a", b"one")
    before = store.info("a").etag
    httpx.patch(f"{gcs.endpoint}/storage/v1/b/lab/o/tags%2Fa", json={"metadata": {"x": "y"}})
    assert store.info("a").etag == before
    store.put("a", b"two")
    assert store.info("a").etag != before


def test_each_step_is_one_request(gcs: GCSServer) -> None:
    asked = []

    def note(method: str, path: str) -> None:
        asked.append(method)

    opened(gcs, "gs://lab/once").put("a/b", b"x")
    with answering(note, gcs.endpoint) as counted:
        store = ArtifactStore("gs://lab/once", open_gcs(GCSAccess(endpoint=counted)))
        steps: list[Callable[[], object]] = [
            lambda: store.get("a/b"),
            lambda: store.info("a/b"),
            lambda: store.exists("a/none"),
            lambda: list(store.walk("a")),
            lambda: store.put_new("a/c", b"x"),
        ]
        for step in steps:
            step()
        assert len(asked) == len(steps)


@pytest.mark.parametrize(
    ("status", "message", "reason", "hint"),
    [
        (401, "Invalid Credentials", "credentials are refused", "gcs.credentials"),
        (
            403,
            "x@y does not have storage.objects.create access to the Google Cloud Storage object. "
            "Permission 'storage.objects.create' denied on resource (or it may not exist).",
            "may not write there: the right storage.objects.create is missing",
            "roles/storage.objectUser",
        ),
        (
            403,
            "x@y does not have storage.objects.get access",
            "the right storage.objects.get is missing",
            "role",
        ),
        (403, "The billing account is disabled.", "The billing account is disabled", "may do with"),
        (404, "The specified bucket does not exist.", "bucket is not there", "storage setup"),
        (400, "Invalid bucket name: 'x'", "Invalid bucket name", "Check that it is there"),
    ],
)
def test_what_is_wrong_is_told_with_the_fix(
    status: int, message: str, reason: str, hint: str
) -> None:
    with answering(lambda method, path: refusal(status, message)) as refusing:
        store = ArtifactStore("gs://lab/x", open_gcs(GCSAccess(endpoint=refusing)))
        with pytest.raises(UnreachableError, match=reason) as caught:
            store.put("a", b"1")
    assert hint in caught.value.hint


def test_busy_server_is_asked_again(gcs: GCSServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annolooop.storage.clouds.gcs.files.PAUSES", (0.01,) * 5)
    codes = [429, 503, 502]

    def answer(method: str, path: str) -> Answer | None:
        return refusal(codes.pop(0), "Please slow down.") if codes else None

    with answering(answer, gcs.endpoint) as busy:
        store = ArtifactStore("gs://lab/busy", open_gcs(GCSAccess(endpoint=busy)))
        store.put("a", b"1")
        assert store.get("a") == b"1"
        codes += [503] * 6
        with pytest.raises(UnreachableError, match=r"it is busy \(503\)") as caught:
            store.get("a")
    assert "type the same command again" in caught.value.hint


@pytest.mark.slow
def test_server_that_is_not_there_is_given_up_soon() -> None:
    begun = time.monotonic()
    store = ArtifactStore("gs://lab/x", open_gcs(GCSAccess(endpoint="http://127.0.0.1:9")))
    with pytest.raises(UnreachableError, match="does not answer") as caught:
        store.exists("a")
    assert "gcs.endpoint" in caught.value.hint
    assert time.monotonic() - begun < 5
