"""Whether an address leads to a Label Studio, and what to write instead where it does not."""

import os
import ssl
from collections.abc import Iterator

import httpx

from annolooop.errors import ConfigError, UnreachableError

SECONDS_TO_PROBE = 10.0
PAGES = ("/user/login", "/user/signup", "/projects")  # where Label Studio sends a browser
# OpenSSL's numbers for what is wrong with a certificate.
EXPIRED, OTHER_NAME, OTHER_ADDRESS = 10, 62, 64


def trusted_certificates() -> ssl.SSLContext:
    """What the variables SSL_CERT_FILE and SSL_CERT_DIR name, or else the usual authorities.

    Raises:
        ConfigError: a variable names something that holds no certificates.
    """
    try:
        context = httpx.create_ssl_context()
        if folder := os.environ.get("SSL_CERT_DIR"):
            context.load_verify_locations(capath=folder)
    except OSError as error:  # SSLError is one too
        named = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
        raise ConfigError(
            f"no certificates can be read from {named}",
            "Set the variable SSL_CERT_FILE to a file of certificates (PEM), or unset it.",
        ) from error
    return context


class _LateHttps(httpx.BaseTransport):
    """Https for a client that is not expected to need it; the authorities are loaded when it does.

    To load them takes longer than a request to a server of this machine.
    """

    def __init__(self) -> None:
        self._opened: httpx.HTTPTransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._opened is None:
            self._opened = httpx.HTTPTransport(verify=trusted_certificates())
        return self._opened.handle_request(request)

    def close(self) -> None:
        if self._opened:
            self._opened.close()


def open_client(url: str, timeout: float) -> httpx.Client:
    """A client for one server, with a limit in seconds for each request.

    Raises:
        ConfigError: see :func:`trusted_certificates`.
    """
    # Proxies of the environment are for the world outside; a local server is not there.
    local = httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
    if not local or url.startswith("https"):
        return httpx.Client(timeout=timeout, trust_env=not local, verify=trusted_certificates())
    return httpx.Client(
        timeout=timeout,
        transport=httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
        mounts={"https://": _LateHttps()},
        trust_env=False,
    )


def explain_tls(url: str, error: Exception) -> UnreachableError | None:
    """What a failure to connect means, if it is one of TLS."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UnreachableError(
                f"the certificate of {url} is not trusted: {cause.verify_message}",
                _certificate_hint(cause.verify_code),
            )
        if isinstance(cause, ssl.SSLError) and url.startswith("https"):
            return UnreachableError(
                f"{url} does not answer by https: {cause.reason or cause}",
                f"If the server has no https, set label_studio.url to http{url[5:]}",
            )
    if isinstance(error, httpx.RemoteProtocolError) and url.startswith("http:"):
        return UnreachableError(
            f"the server at {url} closes the connection",
            "If it is Label Studio, look at its log. If the server has https, set "
            f"label_studio.url to https{url[4:]}",
        )
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _certificate_hint(code: int) -> str:
    if code == EXPIRED:
        return "Whoever runs the server has to renew it (or the clock of this machine is wrong)."
    if code in (OTHER_NAME, OTHER_ADDRESS):
        return "Set label_studio.url to the name that the certificate is for."
    now = os.environ.get("SSL_CERT_FILE")
    return (
        "Set the variable SSL_CERT_FILE to a file (PEM) that holds the certificate of the "
        "authority that signed it, such as your company's"
        + (f"; it is {now} now, which does not have it." if now else ".")
    )


def not_label_studio(http: httpx.Client, url: str, ours: bool) -> UnreachableError:
    """The error for an address at which something else answers; looks for the right one."""
    other = None if ours else _find_elsewhere(http, url)
    if other:
        return _moved(url, other)
    return UnreachableError(
        f"{url} answered, but it is not a Label Studio server",
        "Check label_studio.port in the stack file."
        if ours
        else "Check label_studio.url in the stack file. It is what the browser shows, up to "
        "/projects, with a prefix where the server has one: https://labels.example.org/ls",
    )


def redirected(
    http: httpx.Client, url: str, path: str, response: httpx.Response, ours: bool
) -> UnreachableError:
    """The error for a request that is sent somewhere else."""
    target = _plain(response.url.join(response.headers.get("location", "")))
    base = target.rstrip("/").removesuffix(path.rstrip("/"))
    if base != target.rstrip("/") and base != url:
        return _moved(url, base)
    return not_label_studio(http, url, ours)


def _moved(url: str, base: str) -> UnreachableError:
    return UnreachableError(
        f"Label Studio is not at {url}, but at {base}", f"Set label_studio.url to {base}"
    )


def _find_elsewhere(http: httpx.Client, url: str) -> str | None:
    """Where this host has a Label Studio: further up, or where its front page leads."""
    here = httpx.URL(url)
    parts = [part for part in here.path.split("/") if part]
    candidates = [
        _plain(here.copy_with(path="/" + "/".join(parts[:count]))).rstrip("/")
        for count in range(len(parts))  # the shortest first: pages answer like their server
    ]
    if here.scheme == "http":
        candidates.append(_plain(here.copy_with(scheme="https")).rstrip("/"))
    try:
        front = http.get(f"{url}/", timeout=SECONDS_TO_PROBE)
        if front.has_redirect_location:
            target = _plain(front.url.join(front.headers["location"]))
            cut = [target.partition(page)[0] for page in PAGES if page in target]
            candidates += [*cut, target.rstrip("/")]
    except (httpx.HTTPError, httpx.InvalidURL):
        pass
    return next((c for c in candidates if c != url and _is_label_studio(http, c)), None)


def _is_label_studio(http: httpx.Client, url: str) -> bool:
    try:
        response = http.get(f"{url}/api/version", timeout=SECONDS_TO_PROBE)
        return bool(response.json()["release"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _plain(address: httpx.URL) -> str:
    """Without what may be secret in it."""
    return str(address.copy_with(userinfo=b"", query=None, fragment=None))
