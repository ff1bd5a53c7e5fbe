"""What a person does with the session of their browser: an annotation is theirs, not the owner's.

Label Studio's API takes the cookie of the session, and asks for no token against forged requests:
whoever forwards a cookie must see to it that the request comes from a page of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from annolooop.errors import UnreachableError
from annolooop.labelstudio.api.address import open_client

COOKIE = "sessionid"


@dataclass(frozen=True)
class Person:
    """Who is logged in.

    Attributes:
        id: Label Studio's number of them.
        email: their login.
    """

    id: int
    email: str


class NotLoggedIn(Exception):
    """The session is unknown to the server, or has ended."""


class Sessions:
    """Requests with the sessions of people's browsers.

    Args:
        url: base address of the server.
        timeout: seconds one request may take.

    Every method raises :class:`UnreachableError` when the server does not answer, and
    :class:`NotLoggedIn` when it does not know the session.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._http = open_client(url, timeout)

    def whoami(self, session: str) -> Person:
        """Who is logged in, by the cookie of their browser."""
        raw = self._call("GET", "/api/current-user/whoami", session).json()
        return Person(int(raw["id"]), str(raw["email"]))

    def annotate(
        self,
        session: str,
        task: int,
        result: Sequence[dict[str, Any]],
        lead_time: float,
        skips: bool = False,
    ) -> int:
        """Submit an annotation, or skip the task. Returns its id."""
        body = {"result": list(result), "lead_time": lead_time, "was_cancelled": skips}
        made = self._call("POST", f"/api/tasks/{task}/annotations/", session, body)
        return int(made.json()["id"])

    def own(self, session: str, task: int, person: Person) -> list[int]:
        """Ids of the annotations of a task that are this person's."""
        raw = self._call("GET", f"/api/tasks/{task}/annotations/", session).json()
        by = {int(one["id"]): one["completed_by"] for one in raw}
        ids = {one: who["id"] if isinstance(who, dict) else who for one, who in by.items()}
        return [one for one, who in ids.items() if who == person.id]

    def withdraw(self, session: str, annotation: int) -> None:
        """Delete an annotation; one that is gone already is no error."""
        self._call("DELETE", f"/api/annotations/{annotation}/", session, gone=True)

    def _call(
        self, method: str, path: str, session: str, body: object = None, gone: bool = False
    ) -> httpx.Response:
        try:
            response = self._http.request(
                method, f"{self._url}{path}", json=body, headers={"Cookie": f"{COOKIE}={session}"}
            )
        except httpx.HTTPError as error:
            raise UnreachableError(
                f"Label Studio does not answer ({type(error).__name__})", "Start it: annoloop up"
            ) from None
        if response.status_code in (401, 403):
            raise NotLoggedIn
        if not response.is_success and not (gone and response.status_code == 404):
            raise UnreachableError(
                f"Label Studio answers {response.status_code} to {method} {path}"
            )
        return response
