"""A second person on a Label Studio, and what the browser asks for a person."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
from PIL import Image

from annolooop.labelstudio.api.connection import Connection, NotFound
from annolooop.labelstudio.api.studio import Studio

PASSWORD = "second-1234"


@dataclass(frozen=True)
class Person:
    """Someone who annotates.

    Attributes:
        username: their e-mail address.
        studio: the server, with their token.
    """

    username: str
    studio: Studio

    def next_in(self, url: str) -> int | None:
        """The task that the browser would show next in the stream of a view, as it asks for it."""
        project = re.search(r"/projects/(\d+)/", url)
        tab = parse_qs(urlsplit(url).query).get("tab")
        assert project
        assert tab
        server = self.studio.connection
        view = server.get(f"/api/dm/views/{tab[0]}")["data"]
        body = {
            "ordering": view["ordering"],
            "filters": view["filters"],
            "selectedItems": {"all": False, "included": []},
        }
        about = {"id": "next_task", "tabID": tab[0], "project": project[1]}
        try:
            return int(server.post("/api/dm/actions", body, about)["id"])
        except NotFound:
            return None


def sign_up(owner: Studio, username: str) -> Person:
    """Make an account by the link with which people are invited."""
    link = owner.connection.get("/api/invite")["invite_url"]
    with httpx.Client(base_url=owner.url, follow_redirects=True) as browser:
        browser.get(link)
        form = {
            "email": username,
            "password": PASSWORD,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        browser.post(link, data=form)
        token = browser.get("/api/current-user/token").json()["token"]
    return Person(username, Studio(Connection(owner.url, token, 60, False)))


def write_patterns(folder: Path, names: list[str], seed: int = 0) -> None:
    """Pictures that no strategy takes for each other: 6 by 6 patches of colours drawn at random."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        patches = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        patches.resize((96, 72), Image.Resampling.NEAREST).save(folder / name)
