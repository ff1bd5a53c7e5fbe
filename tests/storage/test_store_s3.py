"""The artifact store in an S3 bucket: a real server that checks signatures and rights."""

import secrets
from collections.abc import Iterator

import pytest
from buckets import S3Server, seaweedfs
from storage.contract import StoreContract

from annolooop.errors import UnreachableError
from annolooop.storage.s3 import S3Access, open_s3
from annolooop.storage.store import ArtifactStore


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with seaweedfs(tmp_path_factory.mktemp("weed")) as server:
        yield server


def opened(s3: S3Server, url: str, **changed: str | None) -> ArtifactStore:
    given: dict[str, str | None] = {
        "endpoint": s3.endpoint,
        "region": "us-east-1",
        "key": s3.key,
        "secret": s3.secret,
    }
    return ArtifactStore(url, open_s3(S3Access(**(given | changed))))


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, s3: S3Server) -> ArtifactStore:
        return opened(s3, f"s3://{s3.bucket}/{secrets.token_hex(4)}/a store")


def test_object_knows_what_kind_of_file_it_is(s3: S3Server) -> None:
    opened(s3, "s3://lab/kinds").put("images/a.jpg", b"x")
    found = s3.client().head_object(Bucket="lab", Key="kinds/images/a.jpg")
    assert found["ContentType"] == "image/jpeg"


@pytest.mark.parametrize(
    ("url", "changed", "reason", "hint"),
    [
        ("s3://lab/x", {"secret": "wrong"}, "it is refused", "Check the access key"),
        ("s3://lab/x", {"key": "AKIDREAD", "secret": "SECRETREAD"}, "refused", "may do with"),
        ("s3://nobucket/x", {}, "the bucket is not there", "annoloop storage setup"),
        ("s3://lab/x", {"endpoint": "http://127.0.0.1:9"}, "does not answer", "s3.endpoint"),
        ("s3://lab/x", {"profile": "nobody", "key": None, "secret": None}, "nobody", "profile"),
    ],
)
def test_what_is_wrong_is_told_with_the_fix(
    s3: S3Server, url: str, changed: dict[str, str | None], reason: str, hint: str
) -> None:
    with pytest.raises(UnreachableError, match=reason) as caught:
        opened(s3, url, **changed).put("a", b"1")
    assert hint in caught.value.hint
    assert s3.secret not in str(caught.value)
