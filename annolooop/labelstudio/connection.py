"""Authenticated requests to one Label Studio server, and what their failures mean.

The SDK authenticates; requests are plain. Its typed calls are not used: its project pager asks
for a page past the last one, and its retries would repeat an import that had succeeded.
"""

import time
from collections.abc import Mapping
from typing import Any

import httpx
from label_studio_sdk.base_client import LabelStudioBase
from label_studio_sdk.core.api_error import ApiError

from annolooop.errors import AnnoloopError, ConfigError, UnreachableError

READ_TRIES = 3


class NotFound(UnreachableError):
    """The server knows no such thing."""


class Rejected(UnreachableError):
    """The server understood, and will not do it."""


class _Busy(UnreachableError):
    """The server failed; a read may be tried again."""


class _Slow(UnreachableError):
    """No answer in time; what was sent may or may not have been done."""


class Connection:
    """Requests with one person's access token.

    Args:
        url: base address, with a path prefix where the server has one.
        api_key: legacy token or personal access token; told apart by the SDK.
        timeout: seconds one request may take.
        ours: the server is the local one that `annoloop up` starts; decides what errors advise.

    Every method raises :class:`UnreachableError` when the server does not answer or refuses a
    request, and :class:`ConfigError` when it refuses the token.
    """

    def __init__(self, url: str, api_key: str, timeout: float, ours: bool) -> None:
        if not api_key.isascii() or not api_key.isprintable():
            raise ConfigError(
                "label_studio.api_key holds characters that no access token has",
                "Copy the token again from Label Studio (Account & Settings).",
            )
        self.url = url
        self._ours = ours
        # Proxies of the environment are for the world outside; a local server is not there.
        local = httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
        self._http = httpx.Client(timeout=timeout, trust_env=not local)
        try:
            self._sdk = LabelStudioBase(
                base_url=f"{url}/", api_key=api_key, timeout=timeout, httpx_client=self._http
            )
        except ApiError as error:
            raise self._translated(error) from None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Read; tried again when the server is busy or slow."""
        for attempt in range(READ_TRIES):
            try:
                return self._json(self.call("GET", path, params=params))
            except (_Busy, _Slow):
                if attempt == READ_TRIES - 1:
                    raise
                time.sleep(2.0**attempt)
        raise AssertionError("unreachable")

    def post(self, path: str, body: object) -> Any:
        """Write; never repeated by itself."""
        return self._json(self.call("POST", path, body=body))

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            raise UnreachableError(
                f"what answers at {self.url} does so, but not as a Label Studio",
                "Check label_studio.url (or label_studio.port) in the stack file.",
            ) from None

    def download(self, address: str, cookies: Mapping[str, str] | None) -> httpx.Response:
        """A file of the server by its path, or of another one by its whole address.

        The token and the cookies go to our server only, also when it redirects elsewhere.
        """
        if address.startswith("/"):
            return self.call("GET", address, cookies=cookies, redirects=True)
        try:
            answer = self._http.get(address, follow_redirects=True, headers={})
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise UnreachableError(f"{address} does not answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise Rejected(f"{address} answers {answer.status_code}")
        return answer

    def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: object = None,
        cookies: Mapping[str, str] | None = None,
        redirects: bool = False,
    ) -> httpx.Response:
        """One request, once; with a browser's cookies in the place of the token, if given."""
        try:
            # The SDK refreshes an expired access token here.
            headers = self._sdk._client_wrapper.get_headers()
            if cookies:
                named = "; ".join(f"{name}={value}" for name, value in cookies.items())
                headers = {"Cookie": named}
            answer = self._http.request(
                method,
                f"{self.url}{path}",
                params=dict(params) if params else None,
                json=body,
                headers=headers,
                follow_redirects=redirects,
            )
        except (httpx.HTTPError, ApiError) as error:
            raise self._translated(error) from None
        if answer.is_success:
            return answer
        raise self._refusal(method, path, answer)

    def _translated(self, error: Exception) -> AnnoloopError:
        if isinstance(error, httpx.TimeoutException) and not isinstance(
            error, httpx.ConnectTimeout
        ):
            return _Slow(
                f"Label Studio at {self.url} did not answer in time",
                "Type the same command again: it resumes. Give it longer: "
                "--set label_studio.timeout=300",
            )
        if isinstance(error, ApiError):
            # Its text holds headers and cookies: only the status may be shown.
            return self._token_refused(error.status_code or 401)
        return UnreachableError(
            f"Label Studio does not answer at {self.url}",
            "Start it: annoloop up"
            if self._ours
            else "Check that it can be reached from here (label_studio.url).",
        )

    def _token_refused(self, status: int) -> ConfigError:
        return ConfigError(
            f"Label Studio at {self.url} refuses the access token ({status})",
            "Its database is not the one that credentials.json belongs to: put both back."
            if self._ours
            else "Copy a token from Label Studio (Account & Settings) to where "
            "label_studio.api_key takes it from.",
        )

    def _refusal(self, method: str, path: str, answer: httpx.Response) -> AnnoloopError:
        if answer.status_code in (401, 403):
            return self._token_refused(answer.status_code)
        try:
            detail = answer.json()
            text = str(detail.get("validation_errors") or detail.get("detail") or detail)
        except (ValueError, AttributeError):
            text = answer.text
        kind: type[UnreachableError] = Rejected
        if answer.status_code == 404:
            kind = NotFound
        elif answer.status_code >= 500:
            kind = _Busy
        return kind(
            f"Label Studio answered {answer.status_code} to {method} {path}: {text[:300]}",
            "Look at its log: annoloop logs" if self._ours else "Look at the server's log.",
        )
