"""Checks of a bucket: each names what is wrong, and what to type."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest
from support.fake_label_studio import FakeLabelStudio

from annolooop.errors import UnreachableError
from annolooop.loop.setup.checks import Check
from annolooop.loop.setup.store_check import DATA, check_store, is_private
from annolooop.stack import Stack
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.clouds.provisioning import Administration, UnsupportedError
from annolooop.storage.clouds.requirements import Requirements

ORIGIN = "http://127.0.0.1:8080"
SIGNED, PLAIN = "/signed", "/plain"


class FakeAdministration(Administration):
    """A bucket whose addresses lead to a server of this machine."""

    failures: ClassVar[tuple[type[Exception], ...]] = (OSError,)
    cli = "none"
    removing = "none"

    def __init__(self, url: str) -> None:
        super().__init__(Requirements("photos", "", (ORIGIN,), None))
        self.url = url
        self.until: datetime | None = None
        self.signs = True
        self.missing = False

    def parts(self) -> Sequence[Any]:
        return ()

    def explain(self, error: Exception) -> tuple[str, str]:
        return str(error), ""

    def is_missing(self) -> bool:
        return self.missing

    def signed(self, key: str, seconds: int) -> str:
        if not self.signs:
            raise UnsupportedError("this key cannot sign")
        return self.url + SIGNED

    def address(self, key: str) -> str:
        return self.url + PLAIN

    def expires(self) -> datetime | None:
        return self.until

    def count(self) -> int:
        return 0

    def remove_bucket(self) -> None:
        """Nothing to do."""


class Bucket:
    """A store in a folder that is checked as one in a bucket, all well until a test changes it."""

    def __init__(self, fake: FakeLabelStudio, folder: Path) -> None:
        self.fake, self.admin = fake, FakeAdministration(fake.url)
        self.store = ArtifactStore(str(folder / "store"))
        self.images = "presign"
        self.cloud = SimpleNamespace(
            administration=lambda: self.admin,
            in_bucket=lambda key: key,
            server_settings={"key": "x"},
            endpoint=None,
            told_at_start=False,
            guarded=False,
            server_variables=dict,
        )
        self.daemon: object = None

    def answer(self, signed: int = 200, cors: str = ORIGIN, plain: int = 403) -> None:
        now = format_datetime(datetime.now(timezone.utc), usegmt=True)
        allowed = {"Access_Control_Allow_Origin": cors}
        body = DATA.decode() if signed == 200 else "no"
        self.fake.answer("GET", SIGNED, body, signed, **allowed)
        self.fake.answer("OPTIONS", SIGNED, "", 200, **allowed)
        self.fake.answer("GET", PLAIN, DATA.decode() if plain == 200 else "no", plain, Date=now)

    def checks(self) -> dict[str, Check]:
        stack = SimpleNamespace(
            store=self.store,
            cloud=self.cloud,
            catalog=[],
            daemon=self.daemon,
            config=SimpleNamespace(store=SimpleNamespace(images=self.images)),
        )
        return {check.name: check for check in check_store(cast(Stack, stack))}


@pytest.fixture
def bucket(fake: FakeLabelStudio, tmp_path: Path) -> Bucket:
    return Bucket(fake, tmp_path)


def test_all_is_well_and_the_probe_is_removed(bucket: Bucket) -> None:
    bucket.answer()
    checks = bucket.checks()
    assert {name: check.status for name, check in checks.items()} == {
        "store": "ok",
        "read": "ok",
        "list": "ok",
        "conditional": "ok",
        "signed read": "ok",
        "cors": "ok",
        "private": "ok",
        "store clock": "ok",
        "delete": "ok",
        "credentials": "ok",
        "images": "ok",
    }
    assert list(bucket.store.walk("")) == []


def test_bucket_that_anyone_can_read_is_a_warning(bucket: Bucket) -> None:
    bucket.answer(plain=200)
    private = bucket.checks()["private"]
    assert (private.status, private.fix) == ("warn", "Make it private: annoloop storage setup")


@pytest.mark.parametrize(("images", "status"), [("presign", "fail"), ("proxy", "skip")])
def test_signed_address_that_is_refused_matters_where_images_are_presigned(
    bucket: Bucket, images: str, status: str
) -> None:
    bucket.images = images
    bucket.answer(signed=403)
    checks = bucket.checks()
    assert (checks["signed read"].status, checks["cors"].status) == (status, "skip")


@pytest.mark.parametrize(("images", "status"), [("presign", "fail"), ("proxy", "skip")])
def test_key_that_cannot_sign_matters_where_images_are_presigned(
    bucket: Bucket, images: str, status: str
) -> None:
    bucket.images, bucket.admin.signs = images, False
    bucket.answer()
    assert bucket.checks()["signed read"].status == status


def test_pages_of_label_studio_that_may_not_read_are_named(bucket: Bucket) -> None:
    bucket.answer(cors="http://elsewhere.example")
    cors = bucket.checks()["cors"]
    assert (cors.status, ORIGIN in cors.detail) == ("fail", True)


def test_server_that_overwrites_what_is_to_be_new_fails(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.answer()

    def overwrite(store: ArtifactStore, key: str, data: bytes) -> bool:
        store.put(key, data)
        return True

    monkeypatch.setattr(ArtifactStore, "put_new", overwrite)
    assert "ignores conditions (If-None-Match)" in bucket.checks()["conditional"].detail


def test_bucket_that_cannot_be_written_is_only_read(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(store: ArtifactStore, key: str, data: bytes) -> None:
        raise UnreachableError("no writing", "Ask for it.")

    monkeypatch.setattr(ArtifactStore, "put", refuse)
    checks = bucket.checks()
    assert (checks["store"].status, checks["store"].fix) == ("fail", "Ask for it.")
    assert [checks[name].status for name in ("read", "list", "others")] == ["ok", "ok", "skip"]
    assert "private" not in checks


def test_nothing_more_is_tried_with_a_bucket_that_is_not_there(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(store: ArtifactStore, key: str, data: bytes) -> None:
        raise UnreachableError("no such bucket", "")

    monkeypatch.setattr(ArtifactStore, "put", refuse)
    bucket.admin.missing = True
    assert list(bucket.checks()) == ["store", "credentials", "images"]


@pytest.mark.parametrize(
    ("hours", "status"), [(-1.0, "fail"), (0.5, "warn"), (48.0, "ok"), (None, "ok")]
)
def test_end_of_the_credentials_is_seen(bucket: Bucket, hours: float | None, status: str) -> None:
    bucket.answer()
    if hours is not None:
        bucket.admin.until = datetime.now(timezone.utc) + timedelta(hours=hours)
    assert bucket.checks()["credentials"].status == status


def test_clock_that_is_wrong_is_a_warning(bucket: Bucket) -> None:
    old = datetime.now(timezone.utc) - timedelta(hours=1)
    bucket.fake.answer("GET", PLAIN, "no", 403, Date=format_datetime(old, usegmt=True))
    clock = bucket.checks()["store clock"]
    assert (clock.status, "NTP" in clock.fix) == ("warn", True)


def test_server_in_a_private_network_is_a_warning_for_a_guarded_label_studio(
    bucket: Bucket,
) -> None:
    bucket.answer()
    bucket.cloud.endpoint, bucket.cloud.guarded = "http://10.0.0.1:9000", True
    endpoint = bucket.checks()["endpoint"]
    assert (endpoint.status, "SSRF_PROTECTION_ENABLED" in endpoint.fix) == ("warn", True)


def test_our_own_label_studio_knows_the_server_from_its_environment(bucket: Bucket) -> None:
    bucket.answer()
    bucket.cloud.endpoint = "http://10.0.0.1:9000"
    bucket.cloud.server_variables = lambda: {"AWS_ENDPOINT_URL": "http://10.0.0.1:9000"}
    bucket.daemon = object()
    assert "AWS_ENDPOINT_URL" in bucket.checks()["endpoint"].detail


@pytest.mark.parametrize(
    ("url", "private"),
    [("http://10.1.2.3:9000", True), ("http://127.0.0.1", True), ("http://8.8.8.8", False)],
)
def test_address_of_a_private_network(url: str, private: bool) -> None:
    assert is_private(url) is private
