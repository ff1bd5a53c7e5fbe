"""Files at addresses that people wrote into tasks: anyone may write any address there.

Each hop of a request is checked before it is made: hosts of private networks are refused, unless
they are the server itself or were allowed, and the address that was checked is the one that is
connected to. Bytes and seconds are bounded, and nothing is decompressed.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from annolooop.errors import UnreachableError

SECONDS = 60.0  # for one file, with all redirects
MOST_BYTES = 100 * 2**20
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
FAILURES = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
)
_NAT64 = 0x64FF9B << 96  # an IPv4 address follows
_LOW_32 = 0xFFFF_FFFF


class Forbidden(UnreachableError):
    """What an address leads to is not fetched."""


@dataclass(frozen=True)
class Guard:
    """Which hosts may be asked.

    Attributes:
        allowed: hosts of private networks, by name or address, with or without a port.
        authorities: makes the certificates that are trusted, when they are needed.
    """

    allowed: frozenset[str]
    authorities: Callable[[], ssl.SSLContext]

    def fetch(
        self, url: httpx.URL, headers: Mapping[str, str], trusted: bool, deadline: float
    ) -> httpx.Response:
        """One request, which follows no redirect.

        Args:
            url: http or https.
            headers: of the request.
            trusted: the host may be in a private network.
            deadline: by the monotonic clock.

        Raises:
            Forbidden: the host may not be asked, or the file is too large or compressed.
            httpx.TransportError: it does not answer in time, or not as a web server does.
        """
        if url.scheme not in ("http", "https") or not url.host:
            raise Forbidden(f"{_plain(url)} is no address of a web server")
        asked = {"Accept-Encoding": "identity", "Accept": "image/*, */*;q=0.5", **headers}
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        try:
            with (
                self._pool(url, trusted, deadline) as pool,
                pool.stream("GET", target, headers=list(asked.items())) as response,
            ):
                found = {
                    k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.headers
                }
                compressed = found.pop("content-encoding", "identity").lower()
                body = b""
                if response.status not in REDIRECTS:
                    if compressed not in ("", "identity"):
                        raise Forbidden(f"{_plain(url)} is compressed by {compressed}")
                    body = _body(url, response.iter_stream(), found.get("content-length", ""))
                return httpx.Response(
                    response.status, headers=found, content=body, request=httpx.Request("GET", url)
                )
        except FAILURES as error:
            kind = getattr(httpx, type(error).__name__, httpx.TransportError)
            raise kind(str(error)) from error

    def _pool(self, url: httpx.URL, trusted: bool, deadline: float) -> httpcore.ConnectionPool:
        """What connects: to the host, or to the proxy of the environment."""
        own = trusted or not self.allowed.isdisjoint(_names(url.host, _port(url)))
        proxy = _proxy(url)
        if proxy and not own:
            _check_by_proxy(url)
        context = self.authorities() if url.scheme == "https" else None
        backend = _Backend(own or proxy is not None, deadline)
        if proxy is None:
            return httpcore.ConnectionPool(context, network_backend=backend)
        login = (proxy.username, proxy.password) if proxy.username else None
        return httpcore.HTTPProxy(
            str(proxy.copy_with(userinfo=b"")), login, ssl_context=context, network_backend=backend
        )


def is_private(address: str) -> bool:
    """Whether an IP address is anything else than one of the public internet."""
    ip = ip_address(address.partition("%")[0])
    inner: IPv4Address | None = None
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if int(ip) >> 32 == _NAT64 >> 32 or (not inner and int(ip) >> 32 == 0):
            inner = IPv4Address(int(ip) & _LOW_32)
    if inner is not None:
        return is_private(str(inner))
    return not ip.is_global or ip.is_multicast


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were checked; ends all that comes after the deadline."""

    def __init__(self, trusted: bool, deadline: float) -> None:
        self._trusted, self._deadline = trusted, deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _addresses(host, port)
        for address in addresses:
            if not self._trusted and is_private(address):
                raise _private(host, port, address)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                left = _left(self._deadline, httpcore.ConnectTimeout)
                stream = self._inner.connect_tcp(
                    address, port, left, local_address, socket_options or ()
                )
                return _Stream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection that ends at the deadline, however many bytes come."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._deadline, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _left(deadline: float, late: type[Exception]) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise late("it takes too long")
    return left


def _body(url: httpx.URL, parts: Iterator[bytes], length: str) -> bytes:
    too_large = Forbidden(f"{_plain(url)} is larger than {MOST_BYTES / 1e6:.0f} MB")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise too_large
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > MOST_BYTES:
            raise too_large
    return bytes(body)


def _addresses(host: str, port: int) -> list[str]:
    """The IP addresses of a host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} is not found") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _private(host: str, port: int, address: str) -> Forbidden:
    return Forbidden(
        f"its host {host} is in a private network ({address}); to allow it: "
        f"label_studio.allowed_hosts: ['{host}:{port}']"
    )


def _names(host: str, port: int) -> set[str]:
    return {host.lower(), f"{host.lower()}:{port}"}


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _proxy(url: httpx.URL) -> httpx.URL | None:
    """The proxy that the environment names for such an address."""
    if url.host in ("127.0.0.1", "localhost", "::1") or proxy_bypass(url.host):
        return None
    named = getproxies().get(url.scheme) or getproxies().get("all")
    return httpx.URL(named if "://" in named else f"http://{named}") if named else None


def _check_by_proxy(url: httpx.URL) -> None:
    """Refuse a private host that a proxy would be asked for; names that only it knows are its."""
    try:
        addresses = _addresses(url.host, _port(url))
    except httpcore.ConnectError:
        return
    for address in addresses:
        if is_private(address):
            raise _private(url.host, _port(url), address)


def _plain(url: httpx.URL) -> str:
    """Without what may be secret in it."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))
