"""The artifact store in an S3 bucket: a real server that checks signatures and rights."""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError
from s3fs.errors import translate_boto_error
from support.bucket_servers import S3Server
from support.store_contract import StoreContract

from annolooop.errors import ConfigError, UnreachableError
from annolooop.storage.artifacts.store import ArtifactStore
from annolooop.storage.clouds.s3.files import S3Access, open_s3, read_credentials


def opened(s3: S3Server, url: str, **changed: str | None) -> ArtifactStore:
    given: dict[str, str | None] = {
        "endpoint": s3.endpoint,
        "region": "us-east-1",
        "key": s3.key,
        "secret": s3.secret,
    }
    return ArtifactStore(url, open_s3(S3Access(**(given | changed))))


class TestS3Store(StoreContract):
    by_key = False  # this one goes folder by folder

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
    s3: S3Server,
    url: str,
    changed: dict[str, str | None],
    reason: str,
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(UnreachableError, match=reason) as caught:
        opened(s3, url, **changed).put("a", b"1")
    assert hint in caught.value.hint
    assert s3.secret not in str(caught.value)


def test_session_that_ended_is_told_with_its_time_and_a_new_one_goes_on(s3: S3Server) -> None:
    for seconds in (2, 20):  # a busy machine may be late for the first
        first, ends = s3.session(seconds), time.time() + seconds
        store = opened(s3, "s3://lab/session", **first)
        with suppress(UnreachableError):
            store.put("a", b"1")
            break
    time.sleep(max(0.0, ends - time.time()) + 0.1)
    asks: list[Callable[[], object]] = [
        lambda: store.get("a"),
        lambda: store.put("a", b"2"),
        lambda: store.exists("a"),
        lambda: store.info("a"),
        lambda: list(store.walk("x")),
    ]
    for ask in asks:
        with pytest.raises(UnreachableError, match=r"the session expired at \d\d:\d\d") as caught:
            ask()
        assert "annoloop up --refresh-storage" in caught.value.hint
        assert "aws sts" in caught.value.hint
        assert not any(part in str(caught.value) for part in first["token"].split("."))
    assert opened(s3, "s3://lab/session", **s3.session(60)).get("a") == b"1"


def test_session_of_the_machine_that_ended_is_told(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": s3.key,
        "AWS_SECRET_ACCESS_KEY": s3.secret,
        "AWS_SESSION_TOKEN": "x",
        "AWS_CREDENTIAL_EXPIRATION": "2020-01-02T12:00:00Z",
    }.items():
        monkeypatch.setenv(name, value)
    told = r"the session expired at \d\d:\d\d on 2020-01-0"
    with pytest.raises(UnreachableError, match=told) as caught:
        opened(s3, "s3://lab/x", key=None, secret=None).get("a")
    assert "aws sso login" in caught.value.hint
    with pytest.raises(ConfigError, match=told):
        read_credentials(S3Access())


@pytest.mark.parametrize(
    ("code", "token", "told"),
    [
        ("ExpiredToken", None, "the session has expired"),
        ("400", "opaque", "the session is refused; it may have expired"),
        ("AccessDenied", "opaque", "it is refused"),
    ],
)
def test_words_of_amazon_for_a_session_that_ended(code: str, token: str | None, told: str) -> None:
    """Amazon's own answers, which no server here gives; s3fs translates them."""
    answer = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {}}
    error = translate_boto_error(ClientError(answer, "GetObject"))
    access = S3Access(key="a", secret="b", token=token)
    reason, _ = open_s3(access).explain(error) or ("", "")
    assert told in reason
