"""Authenticated requests to one Label Studio server, and what their failures mean.

With a personal access token the SDK authenticates; it is slow to load, so a legacy token, which is
sent as it is, does without. Requests are plain. The SDK's typed calls are not used: its project
pager asks for a page past the last one, and its retries would repeat an import that had succeeded.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from annolooop.errors import AnnoloopError, ConfigError, UnreachableError
from annolooop.labelstudio.api.address import (
    explain_tls,
    not_label_studio,
    open_client,
    redirected,
    trusted_certificates,
)

if TYPE_CHECKING:
    from label_studio_sdk.base_client import LabelStudioBase

    from annolooop.labelstudio.api.fetch import Guard

TRIES_PER_READ = 3
GUARDED = "reserved network address"  # in the response of a server that refuses private addresses


class NotFound(UnreachableError):
    """The server knows no such thing."""


class Rejected(UnreachableError):
    """The server understood, and will not do it."""


class _Busy(UnreachableError):
    """The server failed; a read may be tried again."""


class Failed(_Busy):
    """The server failed on this very request (500); with a smaller one it may not."""


class _Slow(UnreachableError):
    """No response in time; what was sent may or may not have been done."""


class Connection:
    """Requests with one person's access token.

    Args:
        url: base address, with a path prefix where the server has one.
        api_key: legacy token or personal access token; a legacy one holds no dot.
        timeout: seconds one request may take.
        ours: the server is the local one that `annoloop up` starts; decides what errors advise.
        allowed: other hosts of private networks from which images may be fetched.
        pages: address of the same server for people's browsers, if it is another one.

    Every method raises :class:`UnreachableError` when the server does not answer or refuses a
    request, and :class:`ConfigError` when it refuses the token.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        timeout: float,
        ours: bool,
        allowed: Iterable[str] = (),
        pages: str = "",
    ) -> None:
        if not api_key.isascii() or not api_key.isprintable():
            raise ConfigError(
                "label_studio.api_key holds characters that no access token has",
                "Copy the token again from Label Studio (Account & Settings).",
            )
        self.url, self.pages = url, pages or url
        self._ours = ours
        self._http = open_client(url, timeout)
        self._api_key = api_key
        self._allowed = frozenset(host.lower() for host in allowed)
        self._proven = False  # a request showed that it is a Label Studio
        # A personal access token is a JWT, whose parts are separated by dots.
        self._sdk = self._open_sdk(timeout) if "." in api_key else None

    def _open_sdk(self, timeout: float) -> LabelStudioBase:
        from label_studio_sdk.base_client import LabelStudioBase
        from label_studio_sdk.core.api_error import ApiError

        try:
            return LabelStudioBase(
                base_url=f"{self.url}/",
                api_key=self._api_key,
                timeout=timeout,
                httpx_client=self._http,
            )
        except ApiError as error:
            raise self._not_exchanged(error.status_code) from None

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, tries: int = TRIES_PER_READ
    ) -> Any:
        """Read; tried again when the server is busy or slow."""
        for attempt in range(tries):
            try:
                return self._json(self.call("GET", path, params=params))
            except (_Busy, _Slow):
                if attempt == tries - 1:
                    raise
                time.sleep(2.0**attempt)
        raise AssertionError("unreachable")

    def post(self, path: str, body: object, params: Mapping[str, Any] | None = None) -> Any:
        """Write; never repeated by itself."""
        return self._json(self.call("POST", path, params=params, body=body))

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except (ValueError, RecursionError):
            raise not_label_studio(self._http, self.url, self._ours) from None

    def download(self, address: str, cookies: Mapping[str, str] | None) -> httpx.Response:
        """A file of the server by its path on the host, or of another one by its whole address.

        The token and the cookies go to the server only, also when it redirects elsewhere, such as
        to another port. See :mod:`annolooop.labelstudio.api.fetch` for what is refused.

        Raises:
            Forbidden: the address, or one that it leads to, may not be asked.
            Rejected: it answers with an error.
        """
        from annolooop.labelstudio.api import fetch

        guard = fetch.Guard(self._allowed, trusted_certificates)
        deadline = time.monotonic() + fetch.SECONDS
        try:
            url = self._whole(address)
            for _ in range(fetch.MOST_REDIRECTS + 1):
                response = self._hop(guard, url, cookies, deadline)
                if (
                    response.status_code not in fetch.REDIRECTS
                    or "location" not in response.headers
                ):
                    break
                url = url.join(response.headers["location"])
            else:
                raise fetch.Forbidden(
                    f"{address} is redirected more than {fetch.MOST_REDIRECTS} times"
                )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise UnreachableError(f"{address} does not answer ({type(error).__name__})") from None
        if response.is_success:
            return response
        if self._is_ours(url):
            raise self._refusal("GET", url.raw_path.decode("ascii"), response)
        raise Rejected(f"{address} answers {response.status_code}")

    def _whole(self, address: str) -> httpx.URL:
        """An address, or a path on the server's host, with or without the server's own prefix."""
        base = httpx.URL(self.url)
        if not address.startswith("/") or address.startswith("//"):
            return base.join(address)
        below = base.path.rstrip("/")
        own = address.startswith(f"{below}/")
        return base.join(address) if own else httpx.URL(f"{self.url}{address}")

    def _is_ours(self, url: httpx.URL) -> bool:
        """Whether an address is one of the server."""
        below = httpx.URL(self.url).path.rstrip("/")
        return self._same_origin(url) and f"{url.path}/".startswith(f"{below}/")

    def _same_origin(self, url: httpx.URL) -> bool:
        base = httpx.URL(self.url)
        return (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)

    def _hop(
        self, guard: Guard, url: httpx.URL, cookies: Mapping[str, str] | None, deadline: float
    ) -> httpx.Response:
        """One request of a download; the server's own has the cookies, or else the token."""
        ours = self._is_ours(url)
        headers = self._login(cookies) if ours else {}
        response = guard.fetch(url, headers, self._same_origin(url), deadline)
        if ours and response.status_code == 401 and not cookies and self._drop_access_token():
            return guard.fetch(url, self._login(None), True, deadline)
        return response

    def _login(self, cookies: Mapping[str, str] | None) -> dict[str, str]:
        if not cookies:
            return self._token_headers()
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: object = None,
    ) -> httpx.Response:
        """One request, once."""
        response = self._send(method, path, params, body)
        if response.status_code == 401 and self._drop_access_token():
            # Nothing was done yet, so even a write may be sent once more.
            response = self._send(method, path, params, body)
        if response.is_success:
            self._proven |= path.startswith("/api/") and path != "/api/version"
            return response
        raise self._refusal(method, path, response)

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: object,
    ) -> httpx.Response:
        try:
            return self._http.request(
                method,
                f"{self.url}{path}",
                params=dict(params) if params else None,
                json=body,
                headers=self._token_headers(),
            )
        except httpx.HTTPError as error:
            raise self._translated(error) from None

    def _token_headers(self) -> dict[str, str]:
        """The token; of a personal access token, an access token, which the SDK keeps fresh."""
        if self._sdk is None:
            return {"Authorization": f"Token {self._api_key}"}
        from label_studio_sdk.core.api_error import ApiError

        try:
            return dict(self._sdk._client_wrapper.get_headers())
        except httpx.HTTPError as error:
            raise self._translated(error) from None
        except ApiError as error:
            raise self._not_exchanged(error.status_code) from None
        except ValueError:  # the SDK got a page where it asked for an access token
            raise self._wrong_address() from None

    def _drop_access_token(self) -> bool:
        """Forget a kept access token. Returns whether there was one.

        The SDK sees by this machine's clock whether it has expired; the server has its own.
        """
        if self._sdk is None:
            return False
        tokens = self._sdk._client_wrapper._tokens_client
        kept = tokens._access_token is not None
        tokens._access_token = None
        return kept

    def _not_exchanged(self, status: int | None) -> AnnoloopError:
        """Why a personal access token gives no access token.

        The text of the SDK's error holds headers and cookies: only the status may be shown.
        """
        status = status or 401
        if status in (400, 401, 403):
            return self._token_refused(status)
        return self._wrong_address()

    def _translated(self, error: httpx.HTTPError) -> AnnoloopError:
        if isinstance(error, httpx.TimeoutException) and not isinstance(
            error, httpx.ConnectTimeout
        ):
            return _Slow(
                f"Label Studio at {self.url} did not answer in time",
                "Type the same command again: it resumes. Give it longer: "
                "--set label_studio.timeout=300",
            )
        explained = None if self._ours else explain_tls(self.url, error)
        return explained or UnreachableError(
            f"Label Studio does not answer at {self.url}",
            "Start it: annoloop up"
            if self._ours
            else "Check that it can be reached from here (label_studio.url).",
        )

    def _wrong_address(self) -> AnnoloopError:
        """Why there is no access token, by a request that needs none."""
        try:
            response = self._http.get(f"{self.url}/api/version")
        except httpx.HTTPError as error:
            return self._translated(error)
        if response.is_success:
            return not_label_studio(self._http, self.url, self._ours)
        return self._refusal("GET", "/api/version", response)

    def _token_refused(self, status: int) -> ConfigError:
        return ConfigError(
            f"Label Studio at {self.url} refuses the access token ({status})",
            "Its database and credentials.json do not belong together: put both back."
            if self._ours
            else "Copy a token from Label Studio (Account & Settings) to where "
            "label_studio.api_key takes it from.",
        )

    def _refusal(self, method: str, path: str, response: httpx.Response) -> AnnoloopError:
        if response.has_redirect_location:
            return redirected(self._http, self.url, path, response, self._ours)
        try:
            detail = response.json()
            text = str(detail.get("validation_errors") or detail.get("detail") or detail)
        except (ValueError, AttributeError, RecursionError):
            text = response.text
            page = path.startswith("/api/") and response.status_code in (400, 403, 404)
            if page and not self._proven:  # Label Studio, too, answers some requests with a page
                return not_label_studio(self._http, self.url, self._ours)
        guarded = response.status_code == 403 and GUARDED in text
        if response.status_code in (401, 403) and not guarded:
            return self._token_refused(response.status_code)
        kind: type[UnreachableError] = Rejected
        if response.status_code == 404:
            kind = NotFound
        elif response.status_code >= 500:
            kind = Failed if response.status_code == 500 else _Busy
        return kind(
            f"Label Studio answered {response.status_code} to {method} {path}: {text[:300]}",
            "Look at its log: annoloop logs" if self._ours else "Look at the server's log.",
        )
