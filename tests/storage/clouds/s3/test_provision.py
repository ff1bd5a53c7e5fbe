"""Parts around a bucket of S3, with a client that only remembers."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from annolooop.storage.clouds.provisioning import SetupPart, UnsupportedError
from annolooop.storage.clouds.requirements import Requirements
from annolooop.storage.clouds.s3.files import S3Access
from annolooop.storage.clouds.s3.provision import S3Administration

HERE, THERE = "http://localhost:8085", "https://labels.example.org"


def refused(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Asked")


class Bucket:
    """A bucket that keeps what it is told; ``refuses`` raises in place of an answer."""

    def __init__(self) -> None:
        self.rules: list[dict[str, Any]] = []
        self.block: dict[str, bool] = {}
        self.made: dict[str, Any] | None = None
        self.refuses: Exception | None = None

    def _answer(self) -> None:
        if self.refuses:
            raise self.refuses

    def head_bucket(self, Bucket: str) -> None:
        self._answer()
        if self.made is None:
            raise refused("404", 404)

    def create_bucket(self, **given: Any) -> None:
        self._answer()
        self.made = given

    def get_bucket_cors(self, Bucket: str) -> dict[str, Any]:
        self._answer()
        if not self.rules:
            raise refused("NoSuchCORSConfiguration", 404)
        return {"CORSRules": self.rules}

    def put_bucket_cors(self, Bucket: str, CORSConfiguration: dict[str, Any]) -> None:
        self.rules = CORSConfiguration["CORSRules"]

    def delete_bucket_cors(self, Bucket: str) -> None:
        self.rules = []

    def get_public_access_block(self, Bucket: str) -> dict[str, Any]:
        self._answer()
        return {"PublicAccessBlockConfiguration": self.block}

    def put_public_access_block(
        self, Bucket: str, PublicAccessBlockConfiguration: dict[str, bool]
    ) -> None:
        self.block = PublicAccessBlockConfiguration


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


Parts = Callable[..., dict[str, SetupPart]]


@pytest.fixture
def parts(bucket: Bucket) -> Parts:
    """The parts for some pages, by name."""

    def make(*origins: str, endpoint: str | None = None, region: str = "eu-west-1") -> Any:
        access = S3Access(endpoint=endpoint, region=region, key="k", secret="s")
        admin = S3Administration(access, Requirements("lab", "x", origins))
        admin.s3 = bucket
        return {part.name: part for part in admin.parts()}

    return make


def test_bucket_is_made_where_there_is_none(bucket: Bucket, parts: Parts) -> None:
    part = parts()["bucket"]
    assert not part.look().done
    assert part.make() == {"name": "lab"}
    assert part.look().done
    assert bucket.made
    assert bucket.made["CreateBucketConfiguration"] == {"LocationConstraint": "eu-west-1"}


def test_first_region_of_amazon_is_not_named(bucket: Bucket, parts: Parts) -> None:
    parts(region="us-east-1")["bucket"].make()
    assert bucket.made
    assert "CreateBucketConfiguration" not in bucket.made


def test_bucket_that_someone_made_meanwhile_is_not_noted(bucket: Bucket, parts: Parts) -> None:
    bucket.refuses = refused("BucketAlreadyOwnedByYou")
    assert parts()["bucket"].make() is None


def test_public_access_is_blocked(parts: Parts) -> None:
    part = parts()["private"]
    assert not part.look().done
    assert part.make() is None  # nobody opens it again
    assert part.look().done


def test_server_without_that_switch_says_so(bucket: Bucket, parts: Parts) -> None:
    bucket.refuses = refused("NotImplemented", 501)
    with pytest.raises(UnsupportedError, match="no switch for public access"):
        parts(endpoint="http://127.0.0.1:9")["private"].look()


def test_amazon_itself_is_never_taken_for_such_a_server(bucket: Bucket, parts: Parts) -> None:
    bucket.refuses = refused("NotImplemented", 501)
    with pytest.raises(ClientError):
        parts()["private"].look()


def test_rule_for_pages_is_added_to_those_of_others(bucket: Bucket, parts: Parts) -> None:
    other = {"AllowedOrigins": ["https://other.example"], "AllowedMethods": ["GET"]}
    bucket.rules = [other]
    part = parts(HERE)["cors"]
    assert not part.look().done
    note = part.make()
    assert part.look().done
    assert bucket.rules[0] == other
    assert note
    assert note["origins"] == [HERE]


def test_further_pages_come_to_our_rule(bucket: Bucket, parts: Parts) -> None:
    parts(HERE)["cors"].make()
    parts(THERE)["cors"].make()
    (rule,) = bucket.rules
    assert rule["AllowedOrigins"] == [HERE, THERE]


def test_only_the_noted_pages_are_removed(bucket: Bucket, parts: Parts) -> None:
    parts(HERE)["cors"].make()
    note = parts(THERE)["cors"].make()
    assert note
    parts(THERE)["cors"].remove(note)
    (rule,) = bucket.rules
    assert rule["AllowedOrigins"] == [HERE]


def test_last_page_takes_the_rule_along(bucket: Bucket, parts: Parts) -> None:
    part = parts(HERE)["cors"]
    note = part.make()
    assert note
    assert part.removes(note) == f"the CORS rule for {HERE}"
    part.remove(note)
    assert bucket.rules == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("NoSuchBucket", "the bucket is not there"),
        ("AccessDeniedException", "the credentials do not allow it"),
        ("PermanentRedirect", "the bucket is in another region"),
        ("BucketAlreadyExists", "someone else has a bucket of this name"),
        ("SlowDown", "Asked: SlowDown"),
    ],
)
def test_errors_are_explained(code: str, message: str) -> None:
    admin = S3Administration(S3Access(key="k", secret="s"), Requirements("lab", "x", ()))
    assert admin.explain(refused(code))[0].startswith(message)
