"""Whether a bucket does all that the loop, Label Studio and a browser ask of it."""

import ipaddress
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from annolooop.errors import AnnoloopError, UnreachableError
from annolooop.loop.setup.checks import Check, DoctorReport
from annolooop.stack import Stack
from annolooop.storage.artifacts.prefixes import DOCTOR
from annolooop.storage.clouds.cloud import Cloud
from annolooop.storage.clouds.provisioning import NOTE, Administration, UnsupportedError

SETUP = "Let them: annoloop storage setup"
SIGNED = 300  # seconds that a signed address of a check is good for
SKEW = 60.0  # seconds
RENEW = "Get new ones, then: annoloop up --refresh-storage"
SOON = 3600.0  # seconds
DATA = b"a probe of annoloop, which may be deleted"


def check_storage(stack: Stack) -> DoctorReport:
    """All checks of the store.

    Raises:
        ConfigError: it cannot be opened.
    """
    return DoctorReport(tuple(check_store(stack)))


def check_store(stack: Stack) -> Iterator[Check]:
    """Each check, in words for people. An object is written for it, and removed again."""
    probe = f"{DOCTOR}/{secrets.token_hex(8)}"  # two people may look at the same time
    if stack.cloud is None:
        yield from _folder(stack, probe)
        return
    admin = stack.cloud.administration()
    written, *rest = _writing(stack, admin, probe)
    yield from (written, *rest)
    if not written.code:
        try:
            yield from _bucket(stack, probe)
            yield from _from_outside(stack, admin, stack.cloud.in_bucket(probe))
        finally:
            removed = _attempt("delete", lambda: _deleted(stack, probe))
        yield removed
    yield _expiry(admin)
    yield _attempt("images", lambda: _images(stack))
    yield from _endpoint(stack.cloud, stack)


def _folder(stack: Stack, probe: str) -> Iterator[Check]:
    stack.store.put(probe, DATA)
    read = stack.store.get(probe)
    stack.store.delete(probe)
    if read != DATA:
        raise UnreachableError(
            f"the artifact store {stack.store.url} does not give back what is put into it",
            "Check the file system that it is on.",
        )
    yield Check("store", "ok", f"{stack.store.url} can be written; {len(stack.catalog)} images")


def _attempt(name: str, run: Callable[[], Check]) -> Check:
    try:
        return run()
    except AnnoloopError as error:
        return Check(name, "fail", error.message, error.hint, error.exit_code)


def _writing(stack: Stack, admin: Administration, probe: str) -> Iterator[Check]:
    """Whether it can be written; if not, what can be done at all."""

    def write() -> Check:
        stack.store.put(probe, DATA)
        return Check("store", "ok", f"{stack.store.url} can be written")

    written = _attempt("store", write)
    yield written
    if not written.code:
        return
    with suppress(*admin.failures):
        if admin.is_missing():
            return

    def read() -> Check:
        with suppress(KeyError):
            stack.store.get(NOTE)
        return Check("read", "ok", "can be read")

    def listing() -> Check:
        return Check("list", "ok", f"can be listed; {len(stack.catalog)} images")

    yield _attempt("read", read)
    yield _attempt("list", listing)
    yield Check("others", "skip", "conditional writes, signed addresses, CORS: nothing to try with")


def _bucket(stack: Stack, probe: str) -> Iterator[Check]:
    """What the loop needs of it."""
    store = stack.store

    def read() -> Check:
        with suppress(KeyError):  # else the server calls a missing object a forbidden one
            store.get(f"{probe}-none")
        if store.get(probe) != DATA:
            raise UnreachableError(
                f"the artifact store {store.url} does not give back what is put into it",
                "Check the server that keeps it.",
            )
        return Check("read", "ok", "gives back what was put")

    def listing() -> Check:
        if probe not in {item.key for item in store.walk(DOCTOR)}:
            raise UnreachableError(
                f"the artifact store {store.url} does not list what was put into it just now",
                "annoloop needs a server whose listings are up to date.",
            )
        return Check("list", "ok", f"{len(stack.catalog)} images")

    def conditional() -> Check:
        if store.put_new(probe, b"another") or store.get(probe) != DATA:
            raise UnreachableError(
                f"the server of {store.url} ignores conditions (If-None-Match): of two people at "
                "once, one would overwrite the other",
                "Use a newer version of it, or another server.",
            )
        return Check("conditional", "ok", "never overwrites what is to be new")

    yield _attempt("read", read)
    yield _attempt("list", listing)
    yield _attempt("conditional", conditional)


def _from_outside(stack: Stack, admin: Administration, key: str) -> Iterator[Check]:
    """What a browser gets, with a signed address and without."""
    presign = stack.config.store.images == "presign"
    try:
        with httpx.Client(timeout=10) as http:
            yield from _signed(_Visitor(http, admin, key, presign))
            answer = http.get(admin.address(key))
            public = answer.status_code == 200 and answer.content == DATA
            if public:
                fix = "Make it private: annoloop storage setup"
                yield Check("private", "warn", "anyone can read it, without a key", fix)
            else:
                detail = f"strangers are refused ({answer.status_code})"
                yield Check("private", "ok", detail)
            yield _clock(answer)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        detail = f"it does not answer over plain HTTP: {type(error).__name__}"
        yield Check("private", "fail", detail, "Check the network, and proxies between.", 4)


@dataclass(frozen=True)
class _Visitor:
    """Someone with a signed address of the probe."""

    http: httpx.Client
    admin: Administration
    key: str
    presign: bool


def _signed(visitor: _Visitor) -> Iterator[Check]:
    unwanted = "store.images is proxy"
    try:
        url = visitor.admin.signed(visitor.key, SIGNED)
    except UnsupportedError as error:
        if visitor.presign:
            yield Check("signed read", "fail", str(error), "Set store.images: proxy", 3)
        else:
            yield Check("signed read", "skip", f"{error}; not needed: {unwanted}")
        yield Check("cors", "skip", "needs a signed address")
        return
    answer = visitor.http.get(url)
    if answer.content == DATA:
        yield Check("signed read", "ok", "a signed address opens an object")
        yield _cors(visitor, url)
        return
    detail = f"a signed address is answered with {answer.status_code}"
    if visitor.presign:
        fix = "Set store.images: proxy, or check what the key may do with the bucket."
        yield Check("signed read", "fail", detail, fix, 4)
    else:
        yield Check("signed read", "skip", f"{detail}; not needed: {unwanted}")
    yield Check("cors", "skip", "needs a signed address")


def _cors(visitor: _Visitor, url: str) -> Check:
    """As a browser asks, from each page of Label Studio."""
    refused = []
    for origin in visitor.admin.required.origins:
        headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answers = (
            visitor.http.options(url, headers=headers),
            visitor.http.get(url, headers={"Origin": origin}),
        )
        allowed = (origin, "*")
        if any(a.headers.get("access-control-allow-origin") not in allowed for a in answers):
            refused.append(origin)
    origins = ", ".join(refused or visitor.admin.required.origins)
    if not refused:
        return Check("cors", "ok", f"pages of {origins} may read")
    if not visitor.presign:
        return Check("cors", "skip", f"not for {origins}; not needed: store.images is proxy")
    detail = f"pages of {origins} may not read"
    if visitor.admin.required.origins[0] not in refused:  # the address that `up` prints
        return Check("cors", "warn", detail, SETUP)
    return Check("cors", "fail", detail, SETUP, 4)


def _clock(answer: httpx.Response) -> Check:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return Check("store clock", "skip", "the server does not send its time")
    skew = abs((datetime.now(timezone.utc) - theirs).total_seconds())
    detail = f"{skew:.0f} s between this machine and the store"
    if skew > SKEW:
        fix = "Set this machine's clock by the network (NTP): signatures hold for minutes."
        return Check("store clock", "warn", detail, fix)
    return Check("store clock", "ok", detail)


def _deleted(stack: Stack, probe: str) -> Check:
    stack.store.delete(probe)
    if stack.store.exists(probe):
        raise UnreachableError(
            f"the artifact store {stack.store.url} does not delete {probe}",
            "Check what the key may do with the bucket.",
        )
    return Check("delete", "ok", "the probe is removed")


def _expiry(admin: Administration) -> Check:
    try:
        until = admin.expires()
    except UnsupportedError as error:
        return Check("credentials", "ok", str(error))
    except admin.failures as error:
        return Check("credentials", "fail", *admin.explain(error), 4)
    if until is None:
        return Check("credentials", "ok", "no end is known")
    left = (until - datetime.now(timezone.utc)).total_seconds()
    when = f"{until.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
    if left <= 0:
        return Check("credentials", "fail", f"expired at {when}", RENEW, 4)
    detail = f"expires at {when}"
    if left < SOON:
        return Check("credentials", "warn", detail, "Get new ones before longer work.")
    return Check("credentials", "ok", detail)


def _images(stack: Stack) -> Check:
    """Whether Label Studio can get what it needs to show them."""
    assert stack.cloud
    assert stack.cloud.server_settings  # refused here where they would not do
    presign = stack.config.store.images == "presign"
    how = "by signed addresses" if presign else "through itself"
    return Check("images", "ok", f"Label Studio shows them {how} (store.images)")


def _endpoint(cloud: Cloud, stack: Stack) -> Iterator[Check]:
    """How Label Studio gets to a server that is not the cloud's own."""
    endpoint = cloud.endpoint
    if not endpoint:
        return
    if stack.daemon:
        variables = ", ".join(cloud.server_variables())
        if variables:
            detail = (
                f"our Label Studio knows {endpoint} from its environment ({variables}); its guard "
                "against addresses of private networks stays up"
            )
            yield Check("endpoint", "ok", detail)
    elif cloud.told_at_start:
        variables = ", ".join(f"{name}={value}" for name, value in cloud.server_variables().items())
        detail = f"{endpoint} is not the cloud's own server; that Label Studio does not know it"
        yield Check("endpoint", "warn", detail, f"Whoever runs it may start it with {variables}")
    elif cloud.guarded and is_private(endpoint):
        detail = f"{endpoint} is in a private network, which that Label Studio's guard refuses"
        yield Check(
            "endpoint",
            "warn",
            detail,
            "Whoever runs it may start it with SSRF_PROTECTION_ENABLED=false.",
        )


def is_private(url: str) -> bool:
    """Whether an address leads to a private network; unknown names do not."""
    try:
        addresses = socket.getaddrinfo(urlsplit(url).hostname, None)
    except OSError:
        return False
    return any(
        not ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_global for one in addresses
    )
